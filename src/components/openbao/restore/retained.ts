import type { Context } from '../../../core/ports.ts'
import type { RetainedCopy } from '../../driver.ts'
import { retainedCopies } from '../../value-swap/retained-copies.ts'
import { withClient } from '../client/connect.ts'
import { findMounts } from '../kv/mounts.ts'
import type { OpenbaoSettings } from '../schema.ts'
import { restoresIn, Stage, type StageRecord } from './stage.ts'

/** What restores keep on the server for undo, newest first. */
export async function retainedValues(settings: OpenbaoSettings, context: Context): Promise<readonly RetainedCopy[]> {
  return withClient(settings, 'restore', context, async (client) => {
    const found: { restoreId: string; record: StageRecord; values: string }[] = []
    for (const mount of await findMounts(settings, client))
      for (const restoreId of await restoresIn(mount, client)) {
        const record = await new Stage(mount, restoreId, client, context).record()
        if (record !== undefined) found.push({ restoreId, record, values: `values in ${mount.path}` })
      }
    return retainedCopies(found, settings)
  })
}
