import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { StagedRestore } from '../../../driver.ts'
import { identifier, withSession } from '../../connection/connection.ts'
import { closeDatabase, endSessions, openDatabase, requireNoPreparedTransactions, sessionsOf } from './fence.ts'
import { formatMarker, plainComment } from './marker.ts'
import { restoreNames } from '../../names.ts'
import type { PostgresSettings } from '../../schema.ts'
import { commentStatement, dropDatabase, notOurs } from './side-database.ts'
import { requireNoSubscriptions } from './subscriptions.ts'
import { keptTimes, untilNotBusy } from './swap.ts'
import { query, queryOne } from '../../connection/query.ts'
import { change, restoreServer, withAdmin } from '../target/database-target.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import { inTransaction } from '../target/target-transaction.ts'
import { isOurs, readDatabases, readWorld } from '../target/restore-databases.ts'
import type { RestoreDatabases } from '../target/restore-databases.ts'

/**
 * A database that Holdfast keeps, as its marker tells: what was live before a swap, or what an undo set aside. `restored` is
 * live, and stands for that nothing was live before it.
 */
export interface RetainedDatabase {
  readonly restoreId: string
  readonly role: 'previous' | 'undone' | 'restored'
  readonly name: string
  /** When it was set aside. */
  readonly at: Date
  /** Until when it is kept; prune forgets it afterwards. */
  readonly until: Date
}

/** What is kept on the server for this database, newest first. A target opened with its restore id can undo or forget it. */
export async function listRetained(settings: PostgresSettings, context: Context): Promise<readonly RetainedDatabase[]> {
  const databases = await withSession(restoreServer(settings), settings.maintenanceDatabase, context, readDatabases)
  const kept = databases.flatMap(({ name, marker }): RetainedDatabase[] => {
    if (marker === undefined) return []
    const { restoreId, role } = marker
    if (role === 'side' || role === 'reference' || role === 'in-place') return []
    const names = restoreNames(settings.database, restoreId)
    // A marker can be copied with CREATE DATABASE … or by hand; only the name it belongs to counts.
    if (marker.database !== settings.database || (role === 'restored' ? names.live : names[role]) !== name) return []
    return [{ restoreId, role, name, at: new Date(marker.at), until: new Date(marker.until) }]
  })
  return kept.toSorted((a, b) => b.at.getTime() - a.at.getTime())
}

const SIZE = `select case when pg_catalog.has_database_privilege(datname, 'CONNECT') then pg_catalog.pg_database_size(oid)::text end as bytes
  from pg_catalog.pg_database where datname = $1`
const size = z.object({ bytes: z.string().nullable() })

/** What the databases take that are kept of a restore; undefined where the role may not know. */
export async function retainedDatabaseBytes(
  settings: PostgresSettings,
  restoreId: string,
  context: Context,
): Promise<number | undefined> {
  const names = (await listRetained(settings, context)).filter(
    (one) => one.restoreId === restoreId && one.role !== 'restored',
  )
  return withSession(restoreServer(settings), settings.maintenanceDatabase, context, async (admin) => {
    let bytes: number | undefined
    for (const { name } of names) {
      const [row] = await query(admin, size, SIZE, [name])
      if (row?.bytes != null) bytes = (bytes ?? 0) + Number(row.bytes)
    }
    return bytes
  })
}

/**
 * Side and reference databases of this database without a session: a restore or drill that runs has one nearly always, so
 * the age that a caller asks for on top decides.
 */
export async function listStaged(settings: PostgresSettings, context: Context): Promise<readonly StagedRestore[]> {
  return withSession(restoreServer(settings), settings.maintenanceDatabase, context, async (admin) => {
    const found: StagedRestore[] = []
    for (const { name, marker } of await readDatabases(admin)) {
      if (marker?.role !== 'side' && marker?.role !== 'reference') continue
      if (marker.database !== settings.database) continue
      if (restoreNames(settings.database, marker.restoreId)[marker.role] !== name) continue
      if ((await sessionsOf(admin, name)).length > 0) continue
      found.push({
        restoreId: marker.restoreId,
        description: `${marker.role} database ${name}`,
        since: new Date(marker.at),
      })
    }
    return found
  })
}

/**
 * Makes the previous database live again, open to writers, and sets aside what the restore brought. Both renames are
 * one transaction. Where nothing was live before the restore, nothing is afterwards. Done already: only makes sure that
 * the live database is open.
 */
export async function undoSwap(admin: pg.Client, place: DatabaseTarget, context: Context): Promise<void> {
  const { names, restoreId } = place
  const world = await readWorld(admin, names)
  if (isOurs(world.previous, restoreId, 'previous') || isOurs(world.live, restoreId, 'restored'))
    await swapBack(admin, place, world, context)
  else if (!isOurs(world.undone, restoreId, 'undone')) throw nothingKept(place, world)
  else if (world.live?.open === false) await openDatabase(admin, 'live', names.live, context)
  if ((await readWorld(admin, names)).live !== undefined) await checkLive(place, context)
}

function nothingKept({ names, restoreId }: DatabaseTarget, { previous }: RestoreDatabases): Failure {
  if (previous !== undefined) return notOurs(previous)
  return new Failure(
    'refused',
    `nothing to undo: database ${names.previous} of restore ${restoreId} is not on the server`,
    {
      hint: 'It was forgotten after its time. Restore an older restore point instead.',
    },
  )
}

async function swapBack(
  admin: pg.Client,
  place: DatabaseTarget,
  world: RestoreDatabases,
  context: Context,
): Promise<void> {
  const { names, restoreId } = place
  await requireNoPreparedTransactions(admin, names.live)
  if (isOurs(world.undone, restoreId, 'undone')) await requireNoSubscriptions(admin, names.undone)
  if (world.live?.open === true) await closeDatabase(admin, 'live', names.live, context)
  // The same restore was run again after an undo: what it set aside then is older than what is live now.
  if (isOurs(world.undone, restoreId, 'undone')) await dropDatabase(admin, 'undone', names.undone, context)
  const committed = (): Promise<boolean> =>
    withAdmin(place, context, async (fresh) => {
      const { live, previous } = await readWorld(fresh, names)
      return !isOurs(previous, restoreId, 'previous') && !isOurs(live, restoreId, 'restored')
    })
  await untilNotBusy('undo', context, async () => {
    if (world.live !== undefined) await endSessions(admin, names.live, [], context)
    await inTransaction(admin, 'undo', context, () => renameBack(admin, place, world, context), committed)
  })
}

async function renameBack(
  admin: pg.Client,
  place: DatabaseTarget,
  world: RestoreDatabases,
  context: Context,
): Promise<void> {
  const { live, previous, undone } = place.names
  if (world.live !== undefined) {
    const marker = formatMarker(place.restoreId, { role: 'undone', database: live, ...keptTimes(place, context) })
    await change(
      admin,
      'ALTER DATABASE live RENAME TO undone',
      `alter database ${identifier(live)} rename to ${identifier(undone)}`,
      context,
    )
    await change(admin, 'COMMENT ON DATABASE undone', commentStatement(undone, marker), context)
  }
  if (!isOurs(world.previous, place.restoreId, 'previous')) return
  await change(
    admin,
    'ALTER DATABASE previous RENAME TO live',
    `alter database ${identifier(previous)} rename to ${identifier(live)}`,
    context,
  )
  await change(admin, 'COMMENT ON DATABASE live', commentStatement(live, plainComment(world.previous.comment)), context)
  await openDatabase(admin, 'live', live, context)
}

/** Whether what is live now answers and holds tables. */
async function checkLive(place: DatabaseTarget, context: Context): Promise<void> {
  const { live } = place.names
  const sql = `select count(*)::int as tables from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'`
  const { tables } = await withSession(place.server, live, context, (client) =>
    queryOne(client, z.object({ tables: z.number() }), sql),
  )
  if (tables === 0) throw new Failure('incomplete', `database ${live} is live again but holds no tables`)
}

/** Drops what is kept of this restore: the previous database, or what an undo set aside. */
export async function forgetRetained(admin: pg.Client, place: DatabaseTarget, context: Context): Promise<void> {
  const { previous, undone, live } = await readWorld(admin, place.names)
  for (const [row, role] of [
    [previous, 'previous'],
    [undone, 'undone'],
  ] as const) {
    if (row === undefined) continue
    if (!isOurs(row, place.restoreId, role)) throw notOurs(row)
    // What an undo set aside came from a restore point. What was live before may be the only copy.
    if (live === undefined && role === 'previous')
      throw new Failure('refused', `database ${row.name} is kept: database ${place.names.live} is not there`)
    await requireNoSubscriptions(admin, row.name)
    await dropDatabase(admin, role, row.name, context)
  }
  if (isOurs(live, place.restoreId, 'restored')) {
    await change(admin, 'COMMENT ON DATABASE live', commentStatement(live.name, plainComment(live.comment)), context)
  }
}
