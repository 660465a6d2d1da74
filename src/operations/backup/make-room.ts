import { Failure, toFailure } from '../../core/failure.ts'
import { lacksRoom } from '../../core/lacks-room.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import { candidatesOf } from '../prune/candidate.ts'
import { decideRemovals } from '../prune/plan.ts'
import { oldestRemovable } from '../remove/guards.ts'
import type { Destination } from './destinations.ts'

/** Tells each destination that had no room how to make some without losing what must be kept. */
export async function adviseFull(
  app: App,
  destinations: readonly Destination[],
  context: OperationContext,
): Promise<void> {
  for (const destination of destinations) {
    if (!lacksRoom(destination.failure)) continue
    destination.advise(await waysToRoom(app, destination.target, context))
  }
}

/** The failure of a backup that nobody had room for, with what was advised. */
export function withAdvice(error: unknown, destinations: readonly Destination[]): unknown {
  const hint = destinations.find(({ failure }) => lacksRoom(failure))?.failure?.hint
  if (hint === undefined || !lacksRoom(error)) return error
  const { kind, message, facts } = toFailure(error)
  return new Failure(kind, message, { cause: error, facts, hint })
}

const MORE_ROOM = 'Free space or raise the quota, then run it again. Nothing that was stored is affected.'

async function waysToRoom(app: App, target: AppRepository, context: OperationContext): Promise<string> {
  try {
    const repository = await target.open(context)
    const catalog = await repository.catalog(context)
    const mine = catalog.points.filter(({ commit }) => commit.app === app.name)
    // One that cannot be read keeps no other from being protected.
    const lost = catalog.damaged.map(({ point }) => point)
    const oldest = oldestRemovable(candidatesOf(mine, { lost }), app.retention.minimum)
    const { removals } = decideRemovals(app, repository, catalog, {
      now: context.clock.now(),
      storageSkewMilliseconds: await repository.clockSkew(context),
      lastBackupFailed: true,
      lastPolicyHash: undefined,
      accepted: ['failed-backup'],
      inUse: new Set(),
      unopenable: new Map(),
    })
    return [MORE_ROOM, byName(oldest?.point, target.name), byRule(app.name, removals.length)].join('')
  } catch {
    // The repository cannot be read now: what is advised then is what always helps.
    return MORE_ROOM
  }
}

function byName(oldest: string | undefined, repository: string): string {
  if (oldest === undefined) return ' No restore point there can go: each is protected.'
  return ` Or free the space of the oldest point that nothing protects: holdfast remove ${oldest} --repository ${repository} --now.`
}

/** Until the next backup succeeds prune is frozen, because this one failed. */
function byRule(app: string, removals: number): string {
  if (removals === 0) return ''
  return ` Or remove what the rules no longer keep, whose space is free after 72 hours: holdfast prune ${app} --accept failed-backup.`
}
