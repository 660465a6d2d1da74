import { Failure } from '../../../core/failure.ts'
import type { KubernetesClient } from '../client.ts'
import type { KubernetesSettings, PauseSelection } from '../schema.ts'
import { isWatchedByKeda } from './keda.ts'
import { kindOf } from './kinds.ts'
import type { WorkloadName } from './pausable.ts'
import { anyObject } from './shapes.ts'
import { nameOf } from './workload-name.ts'

/** All that the settings mean, in the order in which they are stopped: first what would start the others again. */
export async function selectedWorkloads(
  settings: KubernetesSettings,
  client: KubernetesClient,
): Promise<readonly { readonly workload: WorkloadName; readonly object: unknown }[]> {
  const found: { workload: WorkloadName; object: unknown }[] = []
  for (const { kind, name, namespace = settings.namespace } of settings.suspends)
    found.push(await named({ kind, name, namespace }, client))
  for (const pause of settings.pauses)
    for (const one of await selected(pause, settings.namespace, client))
      if (!found.some(({ workload }) => nameOf(workload) === nameOf(one.workload))) found.push(one)
  return found
}

/** The names of those that run now. */
export async function runningWorkloads(
  settings: KubernetesSettings,
  client: KubernetesClient,
): Promise<readonly string[]> {
  const running: string[] = []
  for (const { workload, object } of await selectedWorkloads(settings, client))
    // What KEDA scaled to 0 by itself it would wake in the middle: it is paused too, and runs nowhere afterwards.
    if (kindOf(workload.kind).isRunning(object) || (await isWatchedByKeda(workload, client)))
      running.push(nameOf(workload))
  return running
}

async function selected({ kind, name, selector = '' }: PauseSelection, namespace: string, client: KubernetesClient) {
  // Jobs come and go.
  const mayBeNone = kindOf(kind).isWaitedFor === true
  if (name !== undefined && !mayBeNone) return [await named({ kind, name, namespace }, client)]
  const resource = await kindOf(kind).resource(namespace, client)
  const objects =
    name === undefined
      ? await client.list(resource, selector)
      : [await client.get(resource, name)].filter((one) => one !== undefined)
  if (objects.length === 0 && !mayBeNone)
    throw new Failure('notFound', `no ${kind} in namespace ${namespace} is labelled ${selector}`, {
      hint: 'Check the labels in pauses of the platform.',
    })
  return objects
    .map((object) => ({ workload: { kind, namespace, name: anyObject.parse(object).metadata.name }, object }))
    .toSorted((a, b) => (a.workload.name < b.workload.name ? -1 : 1))
}

async function named(workload: WorkloadName, client: KubernetesClient) {
  const resource = await kindOf(workload.kind).resource(workload.namespace, client)
  const object = await client.get(resource, workload.name)
  if (object !== undefined) return { workload, object }
  throw new Failure('notFound', `${nameOf(workload)} is not there`, {
    hint: 'Check the namespace and the names in the platform of the app.',
  })
}
