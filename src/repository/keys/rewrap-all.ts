import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Identity, Repository } from '../repository.ts'

/**
 * Encrypts the data keys of all points to these recipients: after a recipient was added or removed. Removed points that
 * could still be undeleted keep their keys. A run that was cut off is repeated by calling it again. Fails with `refused` before the
 * first change when a commit is unreadable, because its point would keep its old recipients unseen.
 */
export async function rewrapAll(
  repository: Repository,
  identities: readonly Identity[],
  recipients: readonly string[],
  context: Context,
): Promise<number> {
  const { points, damaged } = await repository.catalog(context)
  const unread = damaged.find(({ point }) => !points.some((one) => one.point === point))
  if (unread !== undefined)
    throw new Failure('refused', `restore point ${unread.point} is unreadable: ${unread.message}`)
  for (const [done, { point }] of points.entries()) {
    await repository.rewrap(point, identities, recipients, context)
    context.progress({ type: 'note', message: `${done + 1} of ${points.length} restore points have new keys` })
  }
  return points.length
}
