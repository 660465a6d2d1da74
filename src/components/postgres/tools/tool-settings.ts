import type pg from 'pg'
import { z } from 'zod'
import { describe, Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { connectAsIs, withSession } from '../connection/connection.ts'
import type { Server } from '../connection/connection.ts'
import { query, queryOne } from '../connection/query.ts'
import { SETTABLE, UNHINDERED } from '../connection/unhindered.ts'
import type { SessionSettings } from '../connection/unhindered.ts'

/**
 * Under which the client tools write the same text for the same value and definition, on both sides. Dates, intervals and
 * floats they see to by themselves.
 */
const TEXT_FORMS: SessionSettings = { lc_monetary: 'C', bytea_output: 'hex', lc_messages: 'C' }

export interface ToolSettings {
  /** What the sessions of the tools have to be given. */
  readonly settings: SessionSettings
  /** Whether those sessions write and read money as the locale `C` has it. */
  readonly plainMoney: boolean
  /** How many milliseconds pg_dump waits for a table. */
  readonly lockWait: number
}

/**
 * Of two that wait for each other the server ends who has waited for `deadlock_timeout`. pg_dump gives up before that, so that
 * the app is let go first.
 */
function lockWaitFor(deadlockTimeout: number): number {
  return Math.max(1, Math.floor(0.8 * Math.min(deadlockTimeout, 1000)))
}

/**
 * What the tools' sessions in this database need to be given, so that no setting of server, database or role stands in
 * their way. Only what differs: a pooler may refuse options. Where it does, they go without, as they did before.
 */
export async function readToolSettings(server: Server, database: string, context: Context): Promise<ToolSettings> {
  const { encoding, settings, money, lockWait } = await withSession(server, database, context, readHindrances)
  const plainMoney = settings['lc_monetary'] === undefined
  if (Object.keys(settings).length === 0) return { settings: encoding, plainMoney, lockWait }
  const refusal = await refusalOf(server, database, settings, context)
  if (refusal === undefined) return { settings: { ...settings, ...encoding }, plainMoney: true, lockWait }
  const names = Object.keys(settings).filter((name) => !(name in TEXT_FORMS) || (money && name === 'lc_monetary'))
  const message = `the client tools cannot be given settings (${names.join(', ')}): ${refusal}`
  if (names.length > 0) context.progress({ type: 'warning', message })
  return { settings: encoding, plainMoney, lockWait }
}

/** The session has settings of its own; what it began with counts. */
const HINDRANCES = `select s.name, v.value from pg_catalog.json_each_text($1::json) v join pg_catalog.pg_settings s on s.name = v.key
  where s.reset_val <> v.value and ${SETTABLE}
  union all select 'role', 'none' from pg_catalog.pg_roles r where r.rolname = session_user and r.rolinherit
    and exists (select from pg_catalog.pg_db_role_setting d, unnest(d.setconfig) c where d.setrole in (0, r.oid)
      and d.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database())) and c like 'role=%')
  order by 1`

/** The encoding is the database's own, whatever it asks its clients to have. */
async function readHindrances(session: pg.ClientBase) {
  const row = z.object({ name: z.string(), value: z.string() })
  const rows = await query(session, row, HINDRANCES, [JSON.stringify({ ...UNHINDERED, ...TEXT_FORMS })])
  const { money, deadlock_timeout, ...encoding } = await queryOne(session, here, HERE)
  const settings: SessionSettings = Object.fromEntries(rows.map(({ name, value }) => [name, value]))
  return { encoding, settings, money, lockWait: lockWaitFor(deadlock_timeout) }
}

const here = z.object({ client_encoding: z.string(), money: z.boolean(), deadlock_timeout: z.coerce.number() })
const HERE = `select pg_catalog.getdatabaseencoding()::text as client_encoding,
  (select s.setting from pg_catalog.pg_settings s where s.name operator(pg_catalog.=) 'deadlock_timeout') as deadlock_timeout, exists (select from pg_catalog.pg_attribute a
  where a.atttypid in ('money'::regtype, 'money[]'::regtype) and a.attrelid >= 16384) as money`

/** Why a session cannot have these settings from its first moment on; undefined if it can. */
async function refusalOf(
  server: Server,
  database: string,
  settings: SessionSettings,
  context: Context,
): Promise<string | undefined> {
  try {
    const session = await connectAsIs(server, database, context, optionsText(settings))
    try {
      const lost = await query(session, z.object({ name: z.string() }), LOST, [JSON.stringify(settings)])
      return lost.length === 0 ? undefined : 'a pooler drops them'
    } finally {
      await session.end().catch(() => {})
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return describe(error)
  }
}

const LOST = `select s.name from pg_catalog.json_each_text($1::json) v
  join pg_catalog.pg_settings s on s.name operator(pg_catalog.=) v.key where s.setting operator(pg_catalog.<>) v.value`

/**
 * As the server reads options: a blank or backslash in a value has a backslash before it. The encoding of the client is none:
 * libpq has to know of it.
 */
export function optionsText(settings: SessionSettings): string {
  return Object.entries(settings)
    .filter(([name]) => name !== 'client_encoding')
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}`)
    .join(' ')
}
