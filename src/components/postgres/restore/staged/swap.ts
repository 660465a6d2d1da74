import type pg from 'pg'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { retry } from '../../../../system/retry.ts'
import { keptUntil } from '../../../keep-previous.ts'
import { applyProperties, capturedProperties, readProperties } from './carry-over.ts'
import type { DatabaseProperties } from './carry-over.ts'
import { identifier } from '../../connection/connection.ts'
import { closeDatabase, endSessions } from './fence.ts'
import { formatMarker } from './marker.ts'
import type { PostgresDetails } from '../../schema.ts'
import { commentStatement, notOurs } from './side-database.ts'
import { attempt, change, sqlState, withAdmin } from '../target/database-target.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import { inTransaction } from '../target/target-transaction.ts'
import { isOurs, readWorld, stateOf } from '../target/restore-databases.ts'
import type { DatabaseRow, RestoreDatabases } from '../target/restore-databases.ts'

/** How long a session that slips in between may keep the databases from being renamed. */
const SWAP_LIMIT = 60_000
const RETRY_AFTER = 200
const LOCK_TIMEOUT = '5s'
/** object_in_use (a session is on the database), lock_not_available, deadlock_detected. */
const BUSY = new Set(['55006', '55P03', '40P01'])

/**
 * Makes the side database live. What hangs on the live database itself is carried over, and both renames happen, in
 * one transaction: whoever dies, the live name is the old database or the new one. The new one stays closed until
 * `reopen`. Nobody may be connected to either; sessions that slip in are ended and the transaction is tried again.
 */
export async function swapIn(
  admin: pg.Client,
  place: DatabaseTarget,
  details: PostgresDetails,
  context: Context,
): Promise<void> {
  const { names } = place
  await closeDatabase(admin, 'side', names.side, context)
  await untilNotBusy('swap', context, async () => {
    const world = requireSwappable(await readWorld(admin, names), place)
    // One look: the rename itself sees what is just starting, but it would wait five seconds for any other.
    await endSessions(admin, names.side, [], context, 1)
    if (world.live !== undefined) await endSessions(admin, names.live, [], context, 1)
    await swapOnce(admin, place, world, details, context)
  })
}

/** Tries again for a minute while a session that slipped in or a worker of the server keeps databases from being renamed. */
export function untilNotBusy(what: string, context: Context, act: () => Promise<void>): Promise<void> {
  return retry(act, {
    ...context,
    limit: SWAP_LIMIT,
    pause: () => RETRY_AFTER,
    mayRetry: (error) => BUSY.has(sqlState(error)),
    onRetry: (error) => context.progress({ type: 'note', message: `${what} is tried again: ${String(error)}` }),
  })
}

/** Fails with `refused` unless the side database is whole and the live one locked. */
export function requireSwappable(
  world: RestoreDatabases,
  { names, restoreId }: DatabaseTarget,
): RestoreDatabases & { readonly side: DatabaseRow } {
  const { side, live, previous } = world
  if (side === undefined) throw new Failure('refused', `database ${names.side} is not there: nothing was loaded`)
  if (!isOurs(side, restoreId, 'side')) throw notOurs(side)
  if (side.marker.role === 'side' && !side.marker.loaded)
    throw new Failure('refused', `database ${names.side} was loaded only in part`, { hint: 'Load it again.' })
  if (live?.open === true) throw new Failure('refused', `database ${names.live} is not fenced`)
  if (previous !== undefined) throw notOurs(previous)
  return { ...world, side }
}

async function swapOnce(
  admin: pg.Client,
  place: DatabaseTarget,
  world: RestoreDatabases,
  details: PostgresDetails,
  context: Context,
): Promise<void> {
  const { names } = place
  const committed = (): Promise<boolean> =>
    withAdmin(place, context, async (fresh) => stateOf(await readWorld(fresh, names), place.restoreId) === 'swapped')
  const captured = world.live === undefined ? await capturedProperties(admin, details) : undefined
  await inTransaction(
    admin,
    'swap',
    context,
    async () => {
      await attempt('set lock_timeout', () => admin.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`))
      const properties = captured ?? (await readProperties(admin, names.live))
      await applyProperties(admin, names.side, properties, context)
      if (world.live !== undefined) await setAside(admin, place, properties, context)
      await change(
        admin,
        'ALTER DATABASE side RENAME TO live',
        `alter database ${identifier(names.side)} rename to ${identifier(names.live)}`,
        context,
      )
      await change(
        admin,
        'COMMENT ON DATABASE live',
        commentStatement(names.live, liveComment(place, world, properties, context)),
        context,
      )
    },
    committed,
  )
}

async function setAside(
  admin: pg.Client,
  place: DatabaseTarget,
  { comment }: DatabaseProperties,
  context: Context,
): Promise<void> {
  const { live, previous } = place.names
  await change(
    admin,
    'ALTER DATABASE live RENAME TO previous',
    `alter database ${identifier(live)} rename to ${identifier(previous)}`,
    context,
  )
  const marker = formatMarker(place.restoreId, {
    role: 'previous',
    database: live,
    ...keptTimes(place, context),
    comment,
  })
  await change(admin, 'COMMENT ON DATABASE previous', commentStatement(previous, marker), context)
}

/** Where no previous database tells that the swap happened, the live one has to. */
function liveComment(
  place: DatabaseTarget,
  world: RestoreDatabases,
  { comment }: DatabaseProperties,
  context: Context,
): string | null {
  if (world.live !== undefined) return comment
  return formatMarker(place.restoreId, {
    role: 'restored',
    database: place.names.live,
    ...keptTimes(place, context),
    comment,
  })
}

export function keptTimes({ settings }: DatabaseTarget, { clock }: Context): { at: string; until: string } {
  const now = clock.now()
  return { at: now.toISOString(), until: keptUntil(now, settings).toISOString() }
}
