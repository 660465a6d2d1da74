import { describe } from '../../../core/failure.ts'
import { throwIfCancelled } from '../../../core/cancelled.ts'
import type { Context } from '../../../core/ports.ts'
import type { KubernetesClient } from '../client.ts'
import { kindOf } from './kinds.ts'
import { recordIn } from './record.ts'
import { parseName } from './workload-name.ts'

/** What each of these workloads comes back to, in words; of one that cannot be asked, why. Changes nothing. */
export async function comeBackTo(
  workloads: readonly string[],
  { client, context }: { readonly client: KubernetesClient; readonly context: Context },
): Promise<readonly string[]> {
  const told: string[] = []
  for (const workload of workloads)
    told.push(
      await wordsFor(workload, client).catch((error: unknown) => {
        throwIfCancelled(error, context.signal)
        return `not known, ${describe(error)}`
      }),
    )
  return told
}

/** What stands in its annotation where it is paused already, else what would be written there. */
async function wordsFor(workload: string, client: KubernetesClient): Promise<string> {
  const { kind: kindName, namespace, name } = parseName(workload)
  const kind = kindOf(kindName)
  const object = await client.get(await kind.resource(namespace, client), name)
  if (object === undefined) return 'nothing, it is not there'
  const recorded = recordIn(object, workload)
  if (kind.isRunning(object)) return kind.describe(kind.stop(object).recorded)
  return recorded === undefined ? 'stopped, as it is now' : kind.describe(recorded)
}
