import type pg from 'pg'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { connectAsIs } from './connection.ts'
import { placeOf } from '../place-of.ts'
import type { Server } from './connection.ts'
import { sqlFailure } from './query.ts'
import { unlessCanceled } from './unhindered.ts'

const WAIT = 5_000
/** Statements that change nothing of a session which others may get afterwards. */
const WHO = { text: 'select pg_backend_pid() as pid', query_timeout: WAIT }
const HOLD = { text: 'begin read only', query_timeout: WAIT }

/**
 * Fails with `refused` when a pooler gives a session to one transaction at a time. What pg_dump and we set would hold for
 * the application's next transaction, which would have no search path, and not for our own, where policies would hide rows.
 */
export async function requireOwnSession(server: Server, database: string, context: Context): Promise<void> {
  const first = await connectAsIs(server, database, context)
  try {
    if (!(await isHandedOn(first, () => connectAsIs(server, database, context)))) return
    throw new Failure('refused', `${placeOf(server)} is a pooler that changes sessions between transactions`, {
      hint: 'Set host and port of the component to the server itself, or to a pool in session mode. Backups through this one would change the settings of the application.',
    })
  } catch (error) {
    throw sqlFailure(error, database)
  } finally {
    await first.end().catch(() => {})
  }
}

/**
 * While a second connection holds a transaction, either both are one session, or the first has changed to another. Where
 * there is no second session to be had it cannot be told, and a pool in transaction mode would have given one.
 */
async function isHandedOn(first: pg.Client, connectSecond: () => Promise<pg.Client>): Promise<boolean> {
  const pid = await pidOf(first)
  const second = await connectSecond().catch(() => undefined)
  try {
    const held = await second?.query(HOLD).then(
      () => pidOf(second),
      () => undefined,
    )
    if (held === undefined) return false
    return held === pid || (await pidOf(first)) !== pid
  } finally {
    await second?.end().catch(() => {})
  }
}

async function pidOf(session: pg.Client): Promise<number | undefined> {
  const { rows } = await unlessCanceled(() => session.query<{ pid: number }>(WHO))
  return rows[0]?.pid
}
