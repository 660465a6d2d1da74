import type pg from 'pg'

/** Settings of the server by name, for one session. */
export type SessionSettings = Readonly<Record<string, string>>

/**
 * What a server, a database or a role may have set that ends, refuses or changes what a long session does. Not every server
 * knows all of them, and some are only for superusers.
 */
export const UNHINDERED: SessionSettings = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  temp_file_limit: '-1',
  transform_null_equals: 'off',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  exit_on_error: 'off',
}

/** A limit of a millisecond may end even the statement that lifts it. */
const ATTEMPTS = 20
const CANCELED = '57014'
const LIFT_FIRST = 'set statement_timeout = 0; set idle_session_timeout = 0'
/** Whether a session may set it: settings of other contexts are for superusers, or for nobody while the server runs. */
export const SETTABLE = `(s.context = 'user' or (s.context = 'superuser' and pg_catalog.current_setting('is_superuser') = 'on'))`
/**
 * Some set a role for whoever logs in, so that what is made belongs to it. Where the login role has the rights of those it is
 * a member of, it may do no less without. Until the search path is set, no operator is known to be the server's own.
 */
const LIFT = `set search_path = '';
  select set_config('role', 'none', false) from pg_roles where rolname = session_user and rolinherit and current_user <> session_user;
  select set_config(s.name, v.value, false) from json_each_text('${JSON.stringify(UNHINDERED)}') v
    join pg_settings s on s.name = v.key where s.setting <> v.value and ${SETTABLE}`

/** Takes every limit and detour from a session that was just opened; a pooler may make it wait for `limit` milliseconds. */
export async function liftLimits(client: pg.ClientBase, limit: number): Promise<void> {
  const first = { text: LIFT_FIRST, query_timeout: limit }
  const rest = { text: LIFT, query_timeout: limit }
  await unlessCanceled(() => client.query(first))
  await client.query(rest)
}

/** For short statements of sessions whose limits are not lifted: done again when the server's own limit ends one. */
export async function unlessCanceled<Result>(act: () => Promise<Result>): Promise<Result> {
  for (let left = ATTEMPTS; ; left -= 1) {
    try {
      return await act()
    } catch (error) {
      if (left === 0 || !(error instanceof Error && 'code' in error && error.code === CANCELED)) throw error
    }
  }
}
