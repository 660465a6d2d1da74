import { isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Kept } from '../driver.ts'
import { withClient } from './connect.ts'
import type { KubernetesSecretsSettings } from './schema.ts'
import { keptStages, type StageRecord } from './stage.ts'

const HOUR = 3_600_000

/** What restores keep in the namespace for undo, newest first. */
export async function keptObjects(settings: KubernetesSecretsSettings, context: Context): Promise<readonly Kept[]> {
  try {
    const stages = await withClient(settings, 'restore', context, (client) => keptStages(settings, client, context))
    return stages
      .map(({ record }) => record)
      .filter(({ stage }) => stage === 'swapped' || stage === 'undone')
      .map((record) => keptOf(record, settings))
      .toSorted((a, b) => b.since.getTime() - a.since.getTime())
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
    // A login that only captures has never restored, and so keeps nothing.
    context.progress({ type: 'note', message: 'this login may not look for what restores keep in Kubernetes' })
    return []
  }
}

function keptOf({ restoreId, stage, since, previous }: StageRecord, settings: KubernetesSecretsSettings): Kept {
  const from = new Date(since)
  const until = new Date(from.getTime() + settings.keepPreviousHours * HOUR)
  const what = `Secrets and ConfigMaps in namespace ${settings.namespace}`
  const description = `${what} from ${stage === 'undone' ? 'before an undo' : 'before the restore'}`
  return { restoreId, description, since: from, until, ...(previous === undefined ? { wasNothing: true } : {}) }
}
