import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Place } from '../../place.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import { withCluster } from '../connect.ts'
import { servicesIn, statefulSetsIn } from '../resources.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'
import { serviceShape } from './labels.ts'
import { describePod, isAlive, listPods, readPod, type Pod } from './pod.ts'
import { PodPlace } from './pod-place.ts'

/** The one container that a reach means. Fails with `notFound` for none and `refused` for several. */
export async function findPlace(
  settings: KubernetesSettings,
  reach: KubernetesReach,
  context: Context,
): Promise<Place> {
  const { pod, selector } = await withCluster(settings, context, (client) => findOne(settings.namespace, reach, client))
  const container = containerOf(pod, reach)
  refuseNotRunning(pod, container, context)
  const { uid, name } = pod.metadata
  const by = selector === undefined ? {} : { found: { selector, words: wordsOf(reach) } }
  return new PodPlace(
    settings,
    { namespace: settings.namespace, pod: name, uid, container: container.name, ...by },
    container.image,
  )
}

export async function findPod(namespace: string, reach: KubernetesReach, client: KubernetesClient): Promise<Pod> {
  return (await findOne(namespace, reach, client)).pod
}

/** `selector` has the labels by which the pod was found, unless it was by its name. */
async function findOne(
  namespace: string,
  reach: KubernetesReach,
  client: KubernetesClient,
): Promise<{ readonly pod: Pod; readonly selector: string | undefined }> {
  const { pods: found, selector } = await candidates(namespace, reach, client)
  const alive = found.filter(isAlive)
  const [first, ...more] = alive
  if (first === undefined) throw await none(namespace, reach, found, client)
  const listed = listedText(found)
  if (more.length > 0)
    throw new Failure('refused', `${alive.length} pods in namespace ${namespace} are ${wordsOf(reach)}: ${listed}`, {
      hint: 'Name one of them: by pod, by labels that it alone has, or by the cluster of its operator.',
    })
  return { pod: first, selector }
}

function listedText(pods: readonly Pod[]): string {
  return pods.map(describePod).toSorted().join(', ')
}

/** While a cluster fails over none of its pods is the primary: the others are listed, so that one sees that its name is right. */
async function none(
  namespace: string,
  reach: KubernetesReach,
  found: readonly Pod[],
  client: KubernetesClient,
): Promise<Failure> {
  const { cluster } = reach
  const members = cluster === undefined ? [] : await listPods(namespace, labelsOf(cluster).members, client)
  const listed = listedText(found.length === 0 ? members : found)
  const message = `no pod in namespace ${namespace} is ${wordsOf(reach)}${listed === '' ? '' : `; there is ${listed}`}`
  const hint =
    members.length === 0
      ? 'Check the namespace and what reach names and the labels of its pods.'
      : 'Wait until the operator has made one of these pods the primary, then run this again.'
  return new Failure('notFound', message, { hint })
}

interface Candidates {
  readonly pods: readonly Pod[]
  readonly selector?: string
}

async function candidates(namespace: string, reach: KubernetesReach, client: KubernetesClient): Promise<Candidates> {
  const { pod: name, service, statefulSet, cluster, selector = '' } = reach
  if (name !== undefined) {
    const pod = await readPod(namespace, name, client)
    return { pods: pod === undefined ? [] : [pod] }
  }
  if (service !== undefined) return await ofService(namespace, service, client)
  if (statefulSet !== undefined) return await ofStatefulSet(namespace, statefulSet, client)
  return await labelled(namespace, cluster === undefined ? [selector] : labelsOf(cluster).primary, client)
}

/** By the first of these selectors that finds any. */
async function labelled(
  namespace: string,
  selectors: readonly string[],
  client: KubernetesClient,
): Promise<Candidates> {
  for (const selector of selectors) {
    const pods = await listPods(namespace, selector, client)
    if (pods.length > 0) return { pods, selector }
  }
  return { pods: [] }
}

type ClusterReach = NonNullable<KubernetesReach['cluster']>

/** The labels that operators put on the pods of a cluster, and on its primary. */
function labelsOf({ operator, name }: ClusterReach): { readonly members: string; readonly primary: readonly string[] } {
  if (operator === 'zalando') {
    const members = `application=spilo,cluster-name=${name}`
    return { members, primary: [`${members},spilo-role=master`] }
  }
  const members = `cnpg.io/cluster=${name}`
  // Older releases write the second alone.
  return { members, primary: [`${members},cnpg.io/instanceRole=primary`, `${members},role=primary`] }
}

const statefulSetShape = z.object({
  metadata: z.object({ uid: z.string() }),
  spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()).nullish() }) }),
})

async function ofService(namespace: string, name: string, client: KubernetesClient): Promise<Candidates> {
  const body = await client.get(servicesIn(namespace), name)
  if (body === undefined) throw absent('Service', name, namespace)
  const selector = parsed(serviceShape, body, `read Service ${name}`).spec.selector
  if (selector == null || Object.keys(selector).length === 0)
    throw new Failure('unsupported', `Service ${name} in namespace ${namespace} selects no pods`, {
      hint: 'Its server runs elsewhere: use host and port in place of reach, or name the pod.',
    })
  return await labelled(namespace, [labelsText(selector)], client)
}

async function ofStatefulSet(namespace: string, name: string, client: KubernetesClient): Promise<Candidates> {
  const body = await client.get(statefulSetsIn(namespace), name)
  if (body === undefined) throw absent('StatefulSet', name, namespace)
  const { metadata, spec } = parsed(statefulSetShape, body, `read StatefulSet ${name}`)
  const pods = await listPods(namespace, labelsText(spec.selector.matchLabels ?? {}), client)
  // It owns them whatever labels they get.
  return { pods: pods.filter((pod) => (pod.metadata.ownerReferences ?? []).some(({ uid }) => uid === metadata.uid)) }
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
  if (reach.cluster !== undefined)
    return `the primary of cluster ${reach.cluster.name} (${labelsOf(reach.cluster).primary[0]})`
  return `labelled ${reach.selector ?? ''}`
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'
/** The container of the server, for both operators. */
const OF_OPERATORS = 'postgres'

/** A pod, or what one would be like. */
interface HasContainers<Container> {
  readonly metadata: {
    readonly namespace: string
    readonly name: string
    readonly annotations?: Readonly<Record<string, string>> | null | undefined
  }
  readonly spec: { readonly containers: readonly Container[] }
}

export function containerOf<Container extends { readonly name: string }>(
  pod: HasContainers<Container>,
  { container, cluster }: KubernetesReach,
): Container {
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
function refuseNotRunning(pod: Pod, container: { readonly name: string }, { progress }: Context): void {
  const status = pod.status.containerStatuses?.find(({ name }) => name === container.name)
  if (status?.state?.running === undefined)
    throw new Failure('unreachable', `container ${container.name} of pod ${describePod(pod)} does not run`, {
      hint: 'Look at kubectl describe pod, and run this again once the pod is ready.',
    })
  if (!status.ready) progress({ type: 'warning', message: `pod ${describePod(pod)} runs, but is not ready` })
}
