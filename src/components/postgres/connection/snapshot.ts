import type pg from 'pg'
import { z } from 'zod'
import { toFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { connect, literal } from './connection.ts'
import type { Server } from './connection.ts'
import { beginHolding } from '../capture/lock-tables.ts'
import { query, queryOne } from './query.ts'

/** One moment of a database, seen by several sessions and by every pg_dump that is given its name. */
export interface Snapshot {
  /** For `pg_dump --snapshot` as long as the sessions live. */
  readonly name: string
  /** At least one; each is inside a read-only transaction. */
  readonly sessions: readonly [pg.Client, ...pg.Client[]]
  /** Ends the sessions at once; what they are reading fails. */
  readonly abandon: () => void
}

const READ = 'begin isolation level repeatable read read only'
/** Less than pg_dump waits for a table lock, see `lockWaitFor`; what was not free is read again later. */
const LOCK_LIMIT = "set lock_timeout = '500ms'"
/** Less than `deadlock_timeout`: who waits in a circle with an application's session gives up before that one does. */
const SHORT_LIMIT = "set local lock_timeout = '100ms'"
/**
 * Where the server has it, as all fixed minors do: nobody can put a view, which runs what its owner likes, in the place of a
 * table between the moment when it is listed and the one when it is read.
 */
const NO_VIEWS = `select set_config(name, 'view, foreign-table', false) from pg_settings where name = 'restrict_nonsystem_relation_kind'`

export interface SnapshotSource {
  readonly server: Server
  readonly database: string
  /** Sessions that see the same moment. */
  readonly count: number
  /** Whether all tables are held against being dropped and rewritten, from before that moment on. */
  readonly hold?: boolean
}

/**
 * Opens the sessions, and closes them afterwards, whatever happens. Where the server cannot give one session's snapshot
 * to others, or has not enough sessions for that, `alone` is run instead with the reason, and no session is open then.
 */
export async function withSnapshot<Result>(
  source: SnapshotSource,
  context: Context,
  act: (snapshot: Snapshot) => Promise<Result>,
  alone: (reason: string) => Promise<Result>,
): Promise<Result> {
  const open: pg.Client[] = []
  const begin = async (): Promise<pg.Client> => {
    const session = await beginReading(source.server, source.database, context)
    open.push(session)
    // Behind tables that the first session holds there are only others who wait for it: they are let go first.
    await query(session, z.unknown(), SHORT_LIMIT)
    return session
  }
  const beginFirst = async (): Promise<pg.Client> => {
    const session = await openReading(source.server, source.database, context)
    open.push(session)
    await (source.hold === true ? beginHolding(session, READ, context) : query(session, z.unknown(), READ))
    await query(session, z.unknown(), SHORT_LIMIT)
    return session
  }
  const close = async (): Promise<void> =>
    void (await Promise.all(open.map((session) => session.end().catch(() => {}))))
  let reason: string
  try {
    const first = await beginFirst()
    const shared = await share(first, source.count - 1, begin).catch((error: unknown) => notShared(error, context))
    if (typeof shared !== 'string') return await act({ ...shared, abandon: () => void close() })
    reason = shared
  } finally {
    await close()
  }
  return alone(reason)
}

/** A session in a read-only transaction that sees one moment; the caller ends it. */
export async function beginReading(server: Server, database: string, context: Context): Promise<pg.Client> {
  const session = await openReading(server, database, context)
  try {
    await query(session, z.unknown(), READ)
    return session
  } catch (error) {
    await session.end().catch(() => {})
    throw error
  }
}

async function openReading(server: Server, database: string, context: Context): Promise<pg.Client> {
  const session = await connect(server, database, context)
  try {
    for (const statement of [LOCK_LIMIT, NO_VIEWS]) await query(session, z.unknown(), statement)
    return session
  } catch (error) {
    await session.end().catch(() => {})
    throw error
  }
}

async function share(
  first: pg.Client,
  others: number,
  begin: () => Promise<pg.Client>,
): Promise<Pick<Snapshot, 'name' | 'sessions'>> {
  const { name } = await queryOne(first, z.object({ name: z.string() }), 'select pg_export_snapshot() as name')
  const join = async (): Promise<pg.Client> => {
    const session = await begin()
    await query(session, z.unknown(), `set transaction snapshot ${literal(name)}`)
    return session
  }
  const joined = await Promise.allSettled(Array.from({ length: others }, join))
  const sessions = joined.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
  return { name, sessions: [first, ...sessions] }
}

/** Poolers that spread sessions over servers refuse a snapshot as unknown; others have no more sessions to give. */
function notShared(error: unknown, context: Context): string {
  const { kind, message } = toFailure(error)
  if (context.signal.aborted || !['toolFailed', 'denied', 'unreachable'].includes(kind)) throw error
  return message
}
