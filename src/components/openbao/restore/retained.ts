import type { Context } from '../../../core/ports.ts'
import type { RetainedCopy } from '../../driver.ts'
import { isKept, keptSince } from '../../value-swap.ts'
import type { Client } from '../client/client.ts'
import { withClient } from '../client/connect.ts'
import { findMounts } from '../kv/mounts.ts'
import type { KvMount } from '../kv/mounts.ts'
import type { OpenbaoSettings } from '../schema.ts'
import { restoresIn, Stage } from './stage.ts'

/** What restores keep on the server for undo, newest first. */
export async function retainedValues(settings: OpenbaoSettings, context: Context): Promise<readonly RetainedCopy[]> {
  return withClient(settings, 'restore', context, async (client) => {
    const found: RetainedCopy[] = []
    for (const mount of await findMounts(settings, client))
      found.push(...(await keptIn(mount, settings, client, context)))
    return found.toSorted((a, b) => b.since.getTime() - a.since.getTime())
  })
}

async function keptIn(
  mount: KvMount,
  settings: OpenbaoSettings,
  client: Client,
  context: Context,
): Promise<RetainedCopy[]> {
  const found: RetainedCopy[] = []
  for (const restoreId of await restoresIn(mount, client)) {
    const record = await new Stage(mount, restoreId, client, context).record()
    if (record !== undefined && isKept(record))
      found.push({ restoreId, ...keptSince(record, `values in ${mount.path}`, settings) })
  }
  return found
}
