import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { parsed, type KubernetesClient, type Resource } from '../client.ts'
import { deploymentsIn, servicesIn, statefulSetsIn } from '../resources.ts'
import type { KubernetesReach } from '../schema.ts'
import { labelsIn, serviceShape } from './labels.ts'
import { podSpec, type VolumeSource } from './volume-source.ts'

const labels = z.record(z.string(), z.string()).nullish()
const workloadShape = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({
    ordinals: z.object({ start: z.number().default(0) }).nullish(),
    template: z.object({ metadata: z.object({ labels, annotations: labels }).nullish(), spec: podSpec }),
    volumeClaimTemplates: z.array(z.object({ metadata: z.object({ name: z.string() }) })).nullish(),
  }),
})
type Workload = z.infer<typeof workloadShape>

/** The pod that a reach would mean if its workload ran. Undefined where no StatefulSet or Deployment makes one. */
export async function templateOf(
  namespace: string,
  reach: KubernetesReach,
  client: KubernetesClient,
): Promise<VolumeSource | undefined> {
  const { pod, statefulSet } = reach
  const [, owner = '', ordinal] = /^(.+)-(\d+)$/.exec(pod ?? '') ?? []
  const name = statefulSet ?? owner
  if (name !== '') {
    const workload = await statefulSetNamed(name, namespace, client)
    return workload && sourceFrom(workload, ordinal)
  }
  const wanted = await wantedLabels(namespace, reach, client)
  const workload = wanted && (await labelled(namespace, wanted, client))
  return workload && sourceFrom(workload, undefined)
}

async function statefulSetNamed(
  name: string,
  namespace: string,
  client: KubernetesClient,
): Promise<Workload | undefined> {
  const body = await client.get(statefulSetsIn(namespace), name)
  return body === undefined ? undefined : parsed(workloadShape, body, `read StatefulSet ${name}`)
}

async function wantedLabels(
  namespace: string,
  { service, selector }: KubernetesReach,
  client: KubernetesClient,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (service === undefined) return selector === undefined ? undefined : labelsIn(selector)
  const body = await client.get(servicesIn(namespace), service)
  return parsed(serviceShape, body, `read Service ${service}`).spec.selector ?? undefined
}

/** The one workload whose pods would have these labels. */
async function labelled(
  namespace: string,
  wanted: Readonly<Record<string, string>>,
  client: KubernetesClient,
): Promise<Workload | undefined> {
  const listed = async (resource: Resource): Promise<Workload[]> =>
    (await client.list(resource, '')).map((item) => parsed(workloadShape, item, `list ${resource.plural}`))
  const all = [...(await listed(deploymentsIn(namespace))), ...(await listed(statefulSetsIn(namespace)))]
  const found = all.filter(({ spec }) => {
    const own = spec.template.metadata?.labels ?? {}
    return Object.entries(wanted).every(([key, value]) => own[key] === value)
  })
  if (found.length <= 1) return found[0]
  const names = found.map(({ metadata }) => metadata.name).join(', ')
  throw new Failure('refused', `${found.length} workloads in namespace ${namespace} make pods like that: ${names}`, {
    hint: 'Name one of them by labels that its pods alone have, or by statefulSet.',
  })
}

/** A claim of a template is named after template, StatefulSet and number of the pod. */
function sourceFrom({ metadata, spec }: Workload, ordinal: string | undefined): VolumeSource {
  const { template, volumeClaimTemplates, ordinals } = spec
  const number = ordinal ?? String(ordinals?.start ?? 0)
  const claims = (volumeClaimTemplates ?? []).map(({ metadata: { name } }) => ({
    name,
    persistentVolumeClaim: { claimName: `${name}-${metadata.name}-${number}` },
  }))
  const volumes = [...claims, ...(template.spec.volumes ?? [])]
  return {
    metadata: { ...metadata, annotations: template.metadata?.annotations },
    spec: { ...template.spec, volumes },
  }
}
