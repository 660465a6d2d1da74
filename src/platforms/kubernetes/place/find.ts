import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Place } from '../../place.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import { withCluster } from '../connect.ts'
import { servicesIn, statefulSetsIn } from '../resources.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'
import { describePod, isAlive, listPods, readPod, type ContainerSpec, type Pod } from './pod.ts'
import { PodPlace } from './pod-place.ts'

/** The one container that a reach means. Fails with `notFound` for none and `refused` for several. */
export async function findPlace(
  settings: KubernetesSettings,
  reach: KubernetesReach,
  context: Context,
): Promise<Place> {
  const pod = await withCluster(settings, context, (client) => findPod(settings.namespace, reach, client))
  const container = containerOf(pod, reach)
  refuseNotRunning(pod, container, context)
  const { uid, name } = pod.metadata
  return new PodPlace(
    settings,
    { namespace: settings.namespace, pod: name, uid, container: container.name },
    container.image,
  )
}

export async function findPod(namespace: string, reach: KubernetesReach, client: KubernetesClient): Promise<Pod> {
  const found = await candidates(namespace, reach, client)
  const alive = found.filter(isAlive)
  const [first, ...more] = alive
  const listed = found.map(describePod).toSorted().join(', ')
  if (first === undefined)
    throw new Failure(
      'notFound',
      `no pod in namespace ${namespace} is ${wordsOf(reach)}${listed === '' ? '' : `; there is ${listed}`}`,
      {
        hint: 'Check the namespace and what reach names and the labels of its pods.',
      },
    )
  if (more.length > 0)
    throw new Failure('refused', `${alive.length} pods in namespace ${namespace} are ${wordsOf(reach)}: ${listed}`, {
      hint: 'Name one of them: by pod, by labels that it alone has, or by the cluster of its operator.',
    })
  return first
}

async function candidates(
  namespace: string,
  reach: KubernetesReach,
  client: KubernetesClient,
): Promise<readonly Pod[]> {
  if (reach.pod !== undefined) {
    const pod = await readPod(namespace, reach.pod, client)
    return pod === undefined ? [] : [pod]
  }
  if (reach.service !== undefined) return await ofService(namespace, reach.service, client)
  if (reach.statefulSet !== undefined) return await ofStatefulSet(namespace, reach.statefulSet, client)
  return await listPods(namespace, selectorOf(reach), client)
}

/** The labels that operators put on the primary. */
function selectorOf({ selector = '', cluster }: KubernetesReach): string {
  if (cluster === undefined) return selector
  const { operator, name } = cluster
  if (operator === 'zalando') return `application=spilo,cluster-name=${name},spilo-role=master`
  return `cnpg.io/cluster=${name},cnpg.io/instanceRole=primary`
}

const serviceShape = z.object({ spec: z.object({ selector: z.record(z.string(), z.string()).nullish() }) })
const statefulSetShape = z.object({
  metadata: z.object({ uid: z.string() }),
  spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()).nullish() }) }),
})

async function ofService(namespace: string, name: string, client: KubernetesClient): Promise<readonly Pod[]> {
  const body = await client.get(servicesIn(namespace), name)
  if (body === undefined) throw absent('Service', name, namespace)
  const selector = parsed(serviceShape, body, `read Service ${name}`).spec.selector
  if (selector == null || Object.keys(selector).length === 0)
    throw new Failure('unsupported', `Service ${name} in namespace ${namespace} selects no pods`, {
      hint: 'Its server runs elsewhere: use host and port in place of reach, or name the pod.',
    })
  return await listPods(namespace, labelsText(selector), client)
}

async function ofStatefulSet(namespace: string, name: string, client: KubernetesClient): Promise<readonly Pod[]> {
  const body = await client.get(statefulSetsIn(namespace), name)
  if (body === undefined) throw absent('StatefulSet', name, namespace)
  const { metadata, spec } = parsed(statefulSetShape, body, `read StatefulSet ${name}`)
  const pods = await listPods(namespace, labelsText(spec.selector.matchLabels ?? {}), client)
  return pods.filter((pod) => (pod.metadata.ownerReferences ?? []).some(({ uid }) => uid === metadata.uid))
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

function absent(kind: string, name: string, namespace: string): Failure {
  return new Failure('notFound', `namespace ${namespace} has no ${kind} ${name}`, {
    hint: 'Check the namespace and what reach names.',
  })
}

export function wordsOf(reach: KubernetesReach): string {
  if (reach.pod !== undefined) return `pod ${reach.pod}`
  if (reach.service !== undefined) return `selected by Service ${reach.service}`
  if (reach.statefulSet !== undefined) return `of StatefulSet ${reach.statefulSet}`
  if (reach.cluster !== undefined) return `the primary of cluster ${reach.cluster.name} (${selectorOf(reach)})`
  return `labelled ${selectorOf(reach)}`
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'
/** The container of the server, for both operators. */
const OF_OPERATORS = 'postgres'

export function containerOf(pod: Pod, { container, cluster }: KubernetesReach): ContainerSpec {
  const { containers } = pod.spec
  const byAnnotation = pod.metadata.annotations?.[DEFAULT_CONTAINER]
  const name =
    container ??
    (cluster === undefined ? undefined : OF_OPERATORS) ??
    byAnnotation ??
    (containers.length === 1 ? containers[0]?.name : undefined)
  const found = containers.find((one) => one.name === name)
  if (found !== undefined) return found
  const says = name === undefined ? 'has several containers' : `has no container ${name}`
  throw new Failure(
    name === undefined ? 'refused' : 'notFound',
    `pod ${pod.metadata.namespace}/${pod.metadata.name} ${says}: ${containers.map((one) => one.name).join(', ')}`,
    { hint: 'Set container of reach to one of them.' },
  )
}

/** A server that runs but is not ready may still be read; the operator is told. */
function refuseNotRunning(pod: Pod, container: ContainerSpec, { progress }: Context): void {
  const status = pod.status.containerStatuses?.find(({ name }) => name === container.name)
  if (status?.state?.running === undefined)
    throw new Failure('unreachable', `container ${container.name} of pod ${describePod(pod)} does not run`, {
      hint: 'Look at kubectl describe pod, and run this again once the pod is ready.',
    })
  if (!status.ready) progress({ type: 'warning', message: `pod ${describePod(pod)} runs, but is not ready` })
}
