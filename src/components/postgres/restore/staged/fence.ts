import type pg from 'pg'
import { z } from 'zod'
import { describe, Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { identifier } from '../../connection/connection.ts'
import { query, queryOne } from '../../connection/query.ts'
import { change, sqlState } from '../target/database-target.ts'

/** A session on a database, as far as the server tells us about it. */
export interface SessionRow {
  readonly pid: number
  readonly user: string
  readonly application: string
}

/** How long sessions get to end; a backend that waits for a disk or a network may take a while to notice. */
const EMPTY_LIMIT = 30_000
const LOOK_INTERVAL = 50
/** Looks without a session, one after the other. A backend that is just starting is not visible yet, but is a moment later. */
const QUIET_LOOKS = 2

const sessionRow = z.object({ pid: z.number(), user: z.string(), application: z.string() })

/**
 * Workers of the server itself end when the server needs it (autovacuum) or with their leader (parallel). Autovacuum has
 * no user, which a role without pg_read_all_stats sees too; what kind of process it is, such a role is not told.
 */
const SESSIONS = `select pid, coalesce(usename::text, '') as "user", coalesce(application_name, '') as application from pg_stat_activity
  where datname = $1 and usesysid is not null and pid <> all($2::int[]) and coalesce(backend_type, '') not in ('autovacuum worker', 'parallel worker')`
/** A client on a socket of this machine has a port of -1, a worker has none. Who may not see kinds sees workers as clients. */
const CLIENTS = `${SESSIONS} and not (coalesce(backend_type, 'client backend') <> 'client backend' and client_port is null)`

/** Everybody who keeps the database from being renamed or dropped. */
export function sessionsOf(
  admin: pg.Client,
  database: string,
  except: readonly number[] = [],
): Promise<readonly SessionRow[]> {
  return query(admin, sessionRow, `${SESSIONS} order by pid`, [database, except])
}

/** The same without background workers, such as those of pg_cron: they come with the database and are not the application. */
export function clientsOf(admin: pg.Client, database: string): Promise<readonly SessionRow[]> {
  return query(admin, sessionRow, `${CLIENTS} order by pid`, [database, []])
}

/** Whether this role is told what kind of process a session is. */
export async function seesKinds(admin: pg.Client): Promise<boolean> {
  const sql = `select pg_has_role('pg_read_all_stats', 'usage') as sees`
  return (await queryOne(admin, z.object({ sees: z.boolean() }), sql)).sees
}

/** The server's process behind a session. */
export async function backendPid(client: pg.Client): Promise<number> {
  return (await queryOne(client, z.object({ pid: z.number() }), 'select pg_backend_pid() as pid')).pid
}

/** `2 of app as authentik, 1 of psql as postgres`. */
export function describeSessions(sessions: readonly SessionRow[]): string {
  const counts = new Map<string, number>()
  for (const { application, user } of sessions) {
    const who = `${application === '' ? 'unnamed' : application} as ${user === '' ? 'unknown' : user}`
    counts.set(who, (counts.get(who) ?? 0) + 1)
  }
  return [...counts].map(([who, count]) => `${count} of ${who}`).join(', ')
}

/** Refuses new sessions, of superusers too. Sessions that are there already stay. */
export function closeDatabase(admin: pg.Client, what: string, database: string, context: Context): Promise<void> {
  return change(
    admin,
    `ALTER DATABASE ${what} ALLOW_CONNECTIONS false`,
    `alter database ${identifier(database)} allow_connections false`,
    context,
  )
}

export function openDatabase(admin: pg.Client, what: string, database: string, context: Context): Promise<void> {
  return change(
    admin,
    `ALTER DATABASE ${what} ALLOW_CONNECTIONS true`,
    `alter database ${identifier(database)} allow_connections true`,
    context,
  )
}

/**
 * Ends all sessions of a database but those in `keep`, and resolves when none was seen `looks` times. Close the database
 * first, or clients that come back at once are never gone. Fails with `refused`, naming who remains.
 */
export function endSessions(
  admin: pg.Client,
  database: string,
  keep: readonly number[],
  context: Context,
  looks = QUIET_LOOKS,
): Promise<void> {
  return endAll(admin, { database, looks, who: () => sessionsOf(admin, database, keep) }, context)
}

/** The same of clients alone: a worker that stays is in nobody's way, and may come back as often as it is ended. */
export function endClients(admin: pg.Client, database: string, context: Context): Promise<void> {
  return endAll(admin, { database, looks: QUIET_LOOKS, who: () => clientsOf(admin, database) }, context)
}

interface Ending {
  readonly database: string
  readonly looks: number
  readonly who: () => Promise<readonly SessionRow[]>
}

async function endAll(admin: pg.Client, { database, looks, who }: Ending, context: Context): Promise<void> {
  const deadline = context.clock.monotonic() + EMPTY_LIMIT
  const refusals = new Set<string>()
  for (let quiet = 0; quiet < looks;) {
    const sessions = await who()
    if (sessions.length > 0 && context.clock.monotonic() > deadline) throw remaining(database, sessions, refusals)
    quiet = sessions.length === 0 ? quiet + 1 : 0
    for (const { pid } of sessions) await endSession(admin, pid, refusals, context)
    if (quiet < looks) await context.clock.sleep(LOOK_INTERVAL, context.signal)
  }
}

async function endSession(admin: pg.Client, pid: number, refusals: Set<string>, context: Context): Promise<void> {
  try {
    await change(admin, 'pg_terminate_backend', `select pg_terminate_backend(${pid})`, context)
  } catch (error) {
    // Another role's session may be ours to end or end by itself; if it is still there at the deadline, this is why.
    if (sqlState(error) !== '42501') throw error
    refusals.add(describe(error))
  }
}

function remaining(database: string, sessions: readonly SessionRow[], refusals: ReadonlySet<string>): Failure {
  const why = refusals.size === 0 ? '' : ` (${[...refusals].join('; ')})`
  return new Failure(
    'refused',
    `sessions on database ${database} did not end in ${EMPTY_LIMIT / 1000} s: ${describeSessions(sessions)}${why}`,
    {
      hint: 'Stop the application first, or give the restore role membership in pg_signal_backend; only a superuser can end sessions of superusers.',
      facts: { sessions: sessions.length, pids: sessions.map(({ pid }) => pid).join(' ') },
    },
  )
}

/** Fails with `refused` when a prepared transaction hangs on the database: it could neither be renamed nor dropped. */
export async function requireNoPreparedTransactions(admin: pg.Client, database: string): Promise<void> {
  const names = await preparedTransactions(admin, database)
  if (names.length === 0) return
  throw new Failure('refused', `database ${database} has prepared transactions: ${names.join(', ')}`, {
    hint: 'Finish them with COMMIT PREPARED or ROLLBACK PREPARED; select * from pg_prepared_xacts tells since when and whose they are.',
    facts: { prepared: names.length },
  })
}

/** The names under which transactions are prepared on the database, quoted as SQL. */
export async function preparedTransactions(admin: pg.Client, database: string): Promise<readonly string[]> {
  const sql = 'select quote_literal(gid) as name from pg_prepared_xacts where database = $1 order by prepared'
  return (await query(admin, z.object({ name: z.string() }), sql, [database])).map(({ name }) => name)
}
