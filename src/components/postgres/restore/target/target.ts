import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import type { RestoreTarget, TargetRequest } from '../../../target.ts'
import { InPlaceTarget } from '../in-place/in-place.ts'
import { restoreNames } from '../../names.ts'
import type { PostgresDetails, PostgresSettings } from '../../schema.ts'
import { ScratchTarget } from './scratch.ts'
import { restoreServer } from './database-target.ts'
import type { DatabaseTarget } from './database-target.ts'
import { SwapTarget } from '../staged/target-swap.ts'

/**
 * Opens the place a restore of a database goes to: beside the live one on its own server (`swap`), over it
 * (`in-place`), or on a throw-away server (`scratch`). Changes nothing; does not even connect.
 */
export async function openPostgresTarget(
  settings: PostgresSettings,
  request: TargetRequest,
  _context: Context,
): Promise<RestoreTarget<PostgresDetails>> {
  const place: DatabaseTarget = {
    settings,
    server: restoreServer(settings),
    names: restoreNames(settings.database, request.restoreId),
    restoreId: request.restoreId,
    accept: request.accept ?? [],
  }
  if (request.mode === 'scratch') return new ScratchTarget(place, request.scratchFolder)
  const safe = requireMaintenance(place)
  return request.mode === 'swap' ? new SwapTarget(safe) : new InPlaceTarget(safe)
}

/** Nobody may be connected to a database that is renamed or locked, not even we. */
function requireMaintenance(place: DatabaseTarget): DatabaseTarget {
  if (place.settings.maintenanceDatabase !== place.settings.database) return place
  throw new Failure('usage', `database ${place.settings.database} cannot be restored from a session on itself`, {
    hint: 'Set maintenanceDatabase to another database of the server, for example template1.',
  })
}
