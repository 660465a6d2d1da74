import { throwIfCancelled } from '../../core/cancelled.ts'
import type { Failure } from '../../core/failure.ts'
import { isFailure } from '../../core/failure.ts'
import type { PointId } from '../../core/restore-point.ts'
import type { RetentionCandidate } from '../../core/retention/retention.ts'
import type { CatalogPoint, Identity, Repository } from '../../repository/repository.ts'
import type { OperationContext } from '../app.ts'

/** What one run of prune found out about points by opening them; each is opened once. */
export class Inspections {
  readonly #found = new Map<PointId, Failure | undefined>()

  /** Why a point cannot be opened or lacks data; undefined when it is well. Fails when that could not be found out. */
  async of(point: CatalogPoint, repository: Repository, context: OperationContext): Promise<Failure | undefined> {
    if (!this.#found.has(point.point)) this.#found.set(point.point, await inspected(point, repository, context))
    return this.#found.get(point.point)
  }

  /** All that were found wanting. */
  get unopenable(): ReadonlyMap<PointId, string> {
    return new Map(
      [...this.#found].flatMap(([point, failure]) => (failure === undefined ? [] : [[point, failure.message]])),
    )
  }
}

async function inspected(
  point: CatalogPoint,
  repository: Repository,
  context: OperationContext,
): Promise<Failure | undefined> {
  context.progress({ type: 'phase', phase: 'inspect', detail: point.point })
  try {
    await repository.inspect(point, await atHand(context), context)
    return undefined
  } catch (error) {
    if (isFailure(error, 'corrupt')) return error
    throw error
  }
}

/** Who wants a key that is not here hears of it where it is needed. */
async function atHand(context: OperationContext): Promise<readonly Identity[]> {
  try {
    return (await context.identitiesAtHand?.()) ?? []
  } catch (error) {
    throwIfCancelled(error, context.signal)
    return []
  }
}

/**
 * What must not be lost: the newest point, the newest good and drilled ones, and as many good ones as have to be kept. A
 * removal is safe only because these are there, so their being there is looked at first.
 */
export function reliedOn(candidates: readonly RetentionCandidate[], minimum: number): ReadonlySet<PointId> {
  const newestFirst = candidates.toSorted((a, b) => b.sequence - a.sequence || (a.point < b.point ? 1 : -1))
  const good = newestFirst.filter((candidate) => candidate.good)
  const newest = [newestFirst[0], newestFirst.find(({ drilled }) => drilled), good.find(({ drilled }) => drilled)]
  return new Set([...newest, ...good.slice(0, minimum)].flatMap((candidate) => candidate?.point ?? []))
}
