import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../core/ports.ts'
import { connect, literal } from './connection.ts'
import type { Server } from './connection.ts'
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
/** As long as pg_dump waits for a table lock, see `DUMP_OPTIONS`. */
const LOCK_LIMIT = "set lock_timeout = '300s'"
/** Since PostgreSQL 17; a server that sets it would end a long backup. */
const NO_TRANSACTION_LIMIT = "select set_config(name, '0', false) from pg_settings where name = 'transaction_timeout'"

/** Opens `count` sessions that see the same moment, and closes them afterwards, whatever happens. */
export async function withSnapshot<Result>(
  source: { readonly server: Server; readonly database: string; readonly count: number },
  context: Context,
  act: (snapshot: Snapshot) => Promise<Result>,
): Promise<Result> {
  const open: pg.Client[] = []
  const begin = async (): Promise<pg.Client> => {
    const session = await connect(source.server, source.database, context)
    open.push(session)
    for (const statement of [LOCK_LIMIT, NO_TRANSACTION_LIMIT, READ]) await query(session, z.unknown(), statement)
    return session
  }
  const close = (): Promise<unknown> => Promise.all(open.map((session) => session.end().catch(() => {})))
  try {
    const first = await begin()
    const { name } = await queryOne(first, z.object({ name: z.string() }), 'select pg_export_snapshot() as name')
    const others = await Promise.all(
      Array.from({ length: source.count - 1 }, async () => {
        const session = await begin()
        await query(session, z.unknown(), `set transaction snapshot ${literal(name)}`)
        return session
      }),
    )
    return await act({ name, sessions: [first, ...others], abandon: () => void close() })
  } finally {
    await close()
  }
}
