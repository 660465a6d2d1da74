import { isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { RetainedCopy } from '../../driver.ts'
import { isKept, keptSince } from '../../value-swap.ts'
import { withClient } from '../connect.ts'
import { describeTarget } from './in-place.ts'
import type { KubernetesSecretsSettings } from '../schema.ts'
import { keptStages, type StageRecord } from './stage.ts'

/** What restores keep in the namespace for undo, newest first. */
export async function retainedObjects(
  settings: KubernetesSecretsSettings,
  context: Context,
): Promise<readonly RetainedCopy[]> {
  try {
    const stages = await withClient(settings, 'restore', context, (client) => keptStages(settings, client, context))
    return stages
      .map(({ record }) => record)
      .filter(isKept)
      .map((record) => keptOf(record, settings))
      .toSorted((a, b) => b.since.getTime() - a.since.getTime())
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
    // A login that only captures has never restored, and so keeps nothing.
    context.progress({ type: 'note', message: 'this login may not look for what restores keep in Kubernetes' })
    return []
  }
}

function keptOf(record: StageRecord, settings: KubernetesSecretsSettings): RetainedCopy {
  const { restoreId, previous } = record
  const kept = keptSince(record, describeTarget(settings), settings)
  return { restoreId, ...kept, ...(previous === undefined ? { wasNothing: true } : {}) }
}
