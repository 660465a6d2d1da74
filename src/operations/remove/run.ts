import { Failure } from '../../core/failure.ts'
import { lacksRoom } from '../../core/lacks-room.ts'
import type { Lease, Repository } from '../../repository/repository.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import { planRemove, targetsOf, type RemoveOrder, type RemovePlan } from './plan.ts'

export interface RemoveReport {
  readonly point: string
  readonly repositories: readonly {
    readonly name: string
    /** Until then `undelete` brings it back; null where nothing does. */
    readonly until: string | null
    /** Given free now. */
    readonly freedBytes: number
  }[]
}

/** Removes a point where the order says; each repository is looked at again under its lease before. */
export async function runRemove(
  apps: readonly App[],
  { point, now, accepted, repositories: places }: RemoveOrder,
  context: OperationContext,
): Promise<RemoveReport> {
  const repositories: RemoveReport['repositories'][number][] = []
  for (const { name, state } of places) {
    for (const target of targetsOf(apps, name)) {
      const again = { id: point, repository: name, now, accepted }
      const act = (repository: Repository): Promise<Omit<RemoveReport['repositories'][number], 'name'>> =>
        removeIn(repository, point, { state, now }, context)
      repositories.push({ name, ...(await underLease(target, () => planRemove(apps, again, context), act, context)) })
    }
  }
  return { point, repositories }
}

async function underLease<Result>(
  target: AppRepository,
  lookAgain: () => Promise<RemovePlan>,
  act: (repository: Repository) => Promise<Result>,
  context: OperationContext,
): Promise<Result> {
  const repository = await target.open(context)
  const lease = await leaseIfRoom(repository, context)
  try {
    await lookAgain()
    lease?.assertHeld()
    return await act(repository)
  } finally {
    await lease?.release()
  }
}

/** A disk that is full has no room for a lease, and removing is what makes room. */
async function leaseIfRoom(repository: Repository, context: OperationContext): Promise<Lease | undefined> {
  try {
    return await repository.lease('prune', context)
  } catch (error) {
    if (!lacksRoom(error)) throw error
    const message = `no room for a lease in ${repository.location}: nothing keeps another prune from running at the same time`
    context.progress({ type: 'warning', message })
    return undefined
  }
}

async function removeIn(
  repository: Repository,
  point: string,
  { state, now }: { readonly state: string; readonly now: boolean },
  context: OperationContext,
): Promise<Omit<RemoveReport['repositories'][number], 'name'>> {
  context.progress({ type: 'phase', phase: 'remove', detail: point })
  if (state === 'damaged') {
    await repository.dropDamaged(point, context)
    return { until: null, freedBytes: 0 }
  }
  const reason = 'removed by name'
  if (now) return { until: null, freedBytes: (await repository.purge(point, reason, context)).removedBytes }
  try {
    return { until: (await repository.remove(point, reason, context)).until, freedBytes: 0 }
  } catch (error) {
    throw lacksRoom(error) ? noRoomForTombstone(point, error) : error
  }
}

function noRoomForTombstone(point: string, cause: unknown): Failure {
  return new Failure('refused', `restore point ${point} cannot be kept for undelete: no space left`, {
    cause,
    hint: `Free its space at once, for good: holdfast remove ${point} --now.`,
  })
}
