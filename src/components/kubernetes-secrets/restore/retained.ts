import { isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { RetainedCopy } from '../../driver.ts'
import { retainedCopies } from '../../value-swap/retained-copies.ts'
import { withClient } from '../connect.ts'
import { describeTarget } from './in-place.ts'
import type { KubernetesSecretsSettings } from '../schema.ts'
import { keptStages } from './stage.ts'

/** What restores keep in the namespace for undo, newest first. */
export async function retainedObjects(
  settings: KubernetesSecretsSettings,
  context: Context,
): Promise<readonly RetainedCopy[]> {
  try {
    const stages = await withClient(settings, 'restore', context, (client) => keptStages(settings, client, context))
    const values = describeTarget(settings)
    return retainedCopies(
      stages.map(({ record }) => ({ restoreId: record.restoreId, record, values })),
      settings,
    )
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
    // A login that only captures has never restored, and so keeps nothing.
    context.progress({ type: 'note', message: 'this login may not look for what restores keep in Kubernetes' })
    return []
  }
}
