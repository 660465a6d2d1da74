import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import type { Context } from '../../../core/ports.ts'
import { withCluster } from '../connect.ts'
import { findPod } from '../place/find.ts'
import type { Pod } from '../place/pod.ts'
import { owners } from '../place/pod.ts'
import { replicaSetsIn } from '../resources.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'
import { nameOf } from './workload-name.ts'

const owned = z.object({ metadata: z.object({ ownerReferences: owners }) })

/** All that the pod of a reach is of: what must not be paused. Changes nothing. */
export async function databaseOwners(
  settings: KubernetesSettings,
  reach: KubernetesReach,
  context: Context,
): Promise<readonly string[]> {
  return await withCluster(settings, context, async (client) =>
    ownersOf(await findPod(settings.namespace, reach, client), client),
  )
}

/** The names of all that a pod is of, from the pod to the outermost: `Pod/app/db-0`, `StatefulSet/app/db`. */
async function ownersOf(pod: Pod, client: KubernetesClient): Promise<readonly string[]> {
  const { namespace, name, ownerReferences } = pod.metadata
  const chain = [nameOf({ kind: 'Pod', namespace, name })]
  for (const owner of ownerReferences ?? []) {
    chain.push(nameOf({ ...owner, namespace }))
    if (owner.kind !== 'ReplicaSet') continue
    const body = await client.get(replicaSetsIn(namespace), owner.name)
    const above = body === undefined ? [] : (parsed(owned, body, 'read ReplicaSet').metadata.ownerReferences ?? [])
    chain.push(...above.map((one) => nameOf({ ...one, namespace })))
  }
  return chain
}

/**
 * Refuses to stop what a database runs in. `workloads` are those that a pause would stop, `owners` all that the pod of the
 * database is of.
 */
export function refuseDatabase(
  workloads: readonly string[],
  databaseOwners: readonly string[],
  component: string,
): void {
  const hit = workloads.find((workload) => databaseOwners.includes(workload))
  if (hit === undefined) return
  throw new Failure('refused', `pauses of the platform select ${hit}, in which the server of ${component} runs`, {
    hint: 'Take it out of pauses, or use labels that only those who write to the database have.',
  })
}
