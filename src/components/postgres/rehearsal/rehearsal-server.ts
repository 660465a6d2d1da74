import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { z } from 'zod'
import { acceptIds } from '../../../core/accept-ids.ts'
import type { Context } from '../../../core/ports.ts'
import { isRoot } from '../../../system/process/accounts.ts'
import { withTemporaryFolder } from '../../../system/files/temporary-folder.ts'
import { identifier, withSession } from '../connection/connection.ts'
import type { LoadTarget } from '../restore/load/load.ts'
import { restoreNames } from '../names.ts'
import { query } from '../connection/query.ts'
import { encodingForRoles } from '../roles/role-encoding.ts'
import { ensureRoles } from '../roles/roles-restore.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'
import { startThrowAwayServer } from '../private-server/where.ts'
import { createSide } from '../restore/staged/side-database.ts'
import { withAdmin } from '../restore/target/database-target.ts'
import { limitsOf } from '../tools/tool-run.ts'
import { chooseRestoreTools, oldestServerFor } from '../tools/tools-restore.ts'

/** Others may pass through a folder, but not list it. */
const ENTER_ONLY = 0o711
const REHEARSAL_ID = '00000000'
/**
 * Views are tried one by one, and filled there; an event trigger would run its owner's code for each statement of ours,
 * and PostgreSQL can always make it again.
 */
const NOT_LOADED = /^(?:EVENT TRIGGER|(?:COMMENT|SECURITY LABEL) - EVENT TRIGGER|MATERIALIZED VIEW DATA) /

/** Gives `act` an empty database with the roles of `details` on a throw-away server, which is gone afterwards. */
export async function withRehearsalDatabase<Result>(
  settings: PostgresSettings,
  details: PostgresDetails,
  act: (place: LoadTarget) => Promise<Result>,
  context: Context,
): Promise<Result> {
  return withTemporaryFolder(async (parent) => {
    // As root the server runs as another user, who must reach its folder through the private one.
    if (isRoot()) await chmod(parent, ENTER_ONLY)
    const running = await startThrowAwayServer(settings, {
      folder: join(parent, 'server'),
      context,
      major: oldestServerFor(details),
      ...encodingForRoles(details),
    })
    try {
      const names = restoreNames(settings.database, REHEARSAL_ID)
      const { server, version } = running
      const own = { ...settings, maintenanceDatabase: 'postgres' }
      const place = { settings: own, server, names, restoreId: REHEARSAL_ID, accept: acceptIds }
      await withAdmin(place, context, async (admin) => {
        await ensureRoles(admin, details, NO_ARTIFACTS, context)
        await createSide(admin, place, details, context)
      })
      await withSession(server, names.side, context, letOwnersMake)
      const tools = await chooseRestoreTools(version, details, settings, context)
      const load = { server, database: names.side, tools, limits: limitsOf(settings), jobs: 1, accept: acceptIds }
      return await act({ ...load, leaveOut: NOT_LOADED, isRehearsal: true })
    } finally {
      await running.stop()
    }
  })
}

const NO_ARTIFACTS = { roles: [], sizeOf: () => 0, read: () => noBytes() }

async function* noBytes(): AsyncIterable<Uint8Array> {}

const KINDS = ['schemas', 'tables', 'sequences', 'functions', 'types']
const ALL = 'holdfast_rehearsal_all'
const roleName = z.object({ name: z.string() })
const ORDINARY = `select rolname::text as name from pg_catalog.pg_roles where not rolsuper and rolname !~ '^pg_'`

/**
 * Every owner may do here what only grants give it at the source, in whatever order these come: objects are made by their
 * owners, so that what an owner's expressions do while they are made is not done by a superuser.
 */
async function letOwnersMake(session: pg.Client): Promise<void> {
  const owners = (await query(session, roleName, ORDINARY)).map(({ name }) => identifier(name))
  const { user, database } = session
  await session.query(`create role ${ALL}; grant all on database ${identifier(database ?? '')} to ${ALL}`)
  await session.query(`grant all on schema public to ${ALL}`)
  for (const maker of [...owners, identifier(user ?? '')]) {
    if (maker !== identifier(user ?? '')) await session.query(`grant ${ALL} to ${maker}`)
    for (const kind of KINDS)
      await session.query(`alter default privileges for role ${maker} grant all on ${kind} to ${ALL}`)
  }
}

/** From here on each owner may do what the database's own grants give it. */
export async function endOwnersMaking(session: pg.Client): Promise<void> {
  for (const { name } of await query(session, roleName, ORDINARY))
    if (name !== ALL) await session.query(`revoke ${ALL} from ${identifier(name)}`)
}
