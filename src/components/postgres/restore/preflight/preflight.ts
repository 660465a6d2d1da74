import { placeOf } from '../../place-of.ts'
import type pg from 'pg'
import { failedFinding } from '../../../../core/failed-finding.ts'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { Finding } from '../../../../core/restore-point.ts'
import { diskFinding, roomInPlace } from './preflight-disk.ts'
import { carriedFindings } from '../carried/carried-findings.ts'
import { lossFindings } from '../carried/in-place-rows.ts'
import { liveFindings, preservedFindings } from './preflight-live.ts'
import { lockFinding, serverFindings } from './preflight-server.ts'
import { rightFindings } from './preflight-rights.ts'
import { needsOf } from '../../roles/roles-needs.ts'
import { readRights, roleFindings } from '../../roles/roles-restore.ts'
import type { PostgresDetails } from '../../schema.ts'
import { settingFindings } from '../../connection/settable-settings.ts'
import { labelFindings, providerFindings } from '../../roles/security-labels.ts'
import { withAdmin } from '../target/database-target.ts'
import type { DatabaseTarget } from '../target/database-target.ts'
import { isOurs, readWorld } from '../target/restore-databases.ts'
import type { RestoreDatabases } from '../target/restore-databases.ts'

/** What would make a restore beside the live database fail or lose something. */
export function preflightSwap(
  place: DatabaseTarget,
  details: PostgresDetails,
  context: Context,
): Promise<readonly Finding[]> {
  return withServer(place, context, async (admin) => {
    const world = await readWorld(admin, place.names)
    return [
      ...(await serverFindings(admin, place, details, context)),
      ...(await providerFindings(admin, details)),
      ...(await roleFindings(admin, details, place.settings)),
      ...(await rightFindings(admin, details, world.live, place.settings.maintenanceDatabase)),
      ...nameFindings(place, world),
      ...(await liveFindings(admin, place, world.live !== undefined, 'swap')),
      ...(world.live === undefined ? await labelFindings(admin, details) : []),
      ...(await settingFindings(admin, details)),
      ...(await preservedFindings(place, details, world.live, context)),
      ...(await carriedFindings(place, details, world.live, context)),
      await diskFinding(admin, place, details),
    ]
  })
}

/** What would make a restore over the live database fail or lose something. */
export function preflightInPlace(
  place: DatabaseTarget,
  details: PostgresDetails,
  context: Context,
): Promise<readonly Finding[]> {
  return withServer(place, context, async (admin) => {
    const world = await readWorld(admin, place.names)
    const room = await roomInPlace(admin, place, details)
    return [
      {
        level: 'warning',
        subject: 'in-place',
        message: 'the live data is overwritten and cannot be brought back by undo',
        hint: 'Prefer swap; or make a restore point of the live data first.',
      },
      ...(await serverFindings(admin, place, details, context)),
      ...(await providerFindings(admin, details)),
      ...(await roleFindings(admin, details, place.settings)),
      ...(await settingFindings(admin, details)),
      ...(await rightFindings(admin, details, world.live, place.settings.maintenanceDatabase)),
      ...(await liveFindings(admin, place, world.live !== undefined, 'in-place')),
      ...refusedInPlace(place, world),
      ...(await lossFindings(place, details, world.live, context)),
      ...(await guestFindings(admin, details)),
      ...(room.dropsFirst ? [] : [await lockFinding(admin, details)]),
      room.finding,
    ]
  })
}

/** Beside, schemas and their grants are made first; in one transaction over what is live they cannot be. */
async function guestFindings(admin: pg.Client, details: PostgresDetails): Promise<Finding[]> {
  const { user, superuser } = await readRights(admin)
  if (superuser) return []
  return needsOf(details).guests.map(({ schema, role }) => ({
    level: 'error',
    subject: `role ${user}`,
    message: `cannot restore in place what ${role} owns in schema ${schema}, where it may create only by a grant: that takes a superuser`,
    hint: 'Restore with swap.',
  }))
}

function refusedInPlace({ settings, names }: DatabaseTarget, { live }: RestoreDatabases): Finding[] {
  const preserve: Finding = {
    level: 'error',
    subject: 'preserve',
    message: 'tables cannot be preserved in a restore over the live database',
    hint: 'Restore with swap.',
  }
  const absent: Finding = {
    level: 'error',
    subject: `database ${names.live}`,
    message: 'is not there to be restored over',
    hint: 'Restore with swap, which makes it.',
  }
  return [...(settings.preserve.length > 0 ? [preserve] : []), ...(live === undefined ? [absent] : [])]
}

async function withServer(
  place: DatabaseTarget,
  context: Context,
  act: (admin: pg.Client) => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await withAdmin(place, context, act)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'cancelled' || error.kind === 'bug') throw error
    return [failedFinding(`server ${placeOf(place.server)}`, error)]
  }
}

function nameFindings(
  { names, restoreId, settings }: DatabaseTarget,
  { live, previous, side }: RestoreDatabases,
): Finding[] {
  const findings: Finding[] = []
  if (previous !== undefined && !isOurs(previous, restoreId, 'previous')) findings.push(taken(names.previous))
  if (side !== undefined && side.comment !== null && !isOurs(side, restoreId, 'side')) findings.push(taken(names.side))
  const message = live === undefined ? 'is not there and will be made' : `will be kept as ${names.previous}`
  const made: Finding = { level: 'ok', subject: `database ${names.live}`, message }
  return [...findings, made, ...(live === undefined ? [markFinding(names.live, settings)] : [])]
}

/** Where nothing was live, only the restored database can tell that there was a restore. */
function markFinding(live: string, { keepPreviousHours }: DatabaseTarget['settings']): Finding {
  return {
    level: 'warning',
    subject: `comment of database ${live}`,
    message: `will be a mark of Holdfast, by which holdfast undo finds the restore; it has its own inside`,
    hint: `holdfast prune gives it its own back once the ${keepPreviousHours} h of keepPreviousHours are over.`,
  }
}

function taken(name: string): Finding {
  return {
    level: 'error',
    subject: `database ${name}`,
    message: 'exists and is not of this restore',
    hint: 'Rename or drop it by hand.',
  }
}
