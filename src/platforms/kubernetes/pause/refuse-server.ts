import { z } from 'zod'
import { Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { addressText, type ServerAddress } from '../../server-address.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import { listPods } from '../place/pod.ts'
import { servicesIn } from '../resources.ts'
import { kindOf } from './kinds.ts'
import type { WorkloadName } from './pausable.ts'
import { nameOf } from './workload-name.ts'

const words = z.record(z.string(), z.string()).nullish()
const serviceShape = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({
    selector: words,
    clusterIPs: z.array(z.string()).nullish(),
    externalIPs: z.array(z.string()).nullish(),
    ports: z.array(z.object({ port: z.number() })).nullish(),
  }),
  status: z
    .object({
      loadBalancer: z
        .object({ ingress: z.array(z.object({ ip: z.string().nullish(), hostname: z.string().nullish() })).nullish() })
        .nullish(),
    })
    .nullish(),
})
type Service = z.infer<typeof serviceShape>
const templateShape = z.object({
  spec: z.object({ template: z.object({ metadata: z.object({ labels: words }).nullish() }).nullish() }),
})

interface Selected {
  readonly workload: WorkloadName
  readonly object: unknown
}

/**
 * Fails with `refused` where a workload that would be stopped certainly serves one of these addresses: by a Service that selects its
 * pods, or by the address of a pod. Where that cannot be told nothing is refused. Changes nothing.
 */
export async function refuseServers(
  selected: readonly Selected[],
  servers: readonly ServerAddress[],
  namespace: string,
  { client, context }: { readonly client: KubernetesClient; readonly context: Context },
): Promise<void> {
  const withHost = servers.filter(({ at }) => 'host' in at)
  // What keeps no pods running, such as a CronJob, is no server. Who pauses only that needs no right to list services.
  const running = selected.filter(({ workload }) => kindOf(workload.kind).owns !== undefined)
  if (withHost.length === 0 || running.length === 0) return
  const services = await servicesOf(namespace, client, context)
  for (const one of running) {
    const addresses = await podAddresses(one, client)
    const hit = withHost.find((server) => isServedBy(one, server, services, addresses))
    if (hit !== undefined) throw servesIt(one.workload, hit)
  }
}

function isServedBy(
  { object }: Selected,
  { at }: ServerAddress,
  services: readonly Service[],
  addresses: readonly string[],
): boolean {
  if ('socket' in at) return false
  if (addresses.includes(at.host.replace(/^\[|\]$/g, ''))) return true
  const labels = templateShape.safeParse(object).data?.spec.template?.metadata?.labels ?? {}
  return services.some((service) => isAt(service, at) && selects(service, labels))
}

/** Whether the host is one of the names and addresses of a Service that has this port. */
function isAt({ metadata, spec, status }: Service, { host, port }: { host: string; port: number }): boolean {
  if (!(spec.ports ?? []).some((one) => one.port === port)) return false
  const { name, namespace } = metadata
  const outside = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => [ip, hostname])
  if ([...(spec.clusterIPs ?? []), ...(spec.externalIPs ?? []), ...outside].includes(host)) return true
  // One pod of a headless Service has its own name before it.
  return new RegExp(`^(?:[-a-z0-9]+\\.)?${name}\\.${namespace}(?:\\.svc(?:\\..+)?)?\\.?$`).test(host) || host === name
}

function selects({ spec: { selector } }: Service, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector ?? {})
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value)
}

async function servicesOf(
  namespace: string,
  client: KubernetesClient,
  { progress }: Context,
): Promise<readonly Service[]> {
  try {
    const items = await client.list(servicesIn(namespace), '')
    return items.map((item) => parsed(serviceShape, item, 'list services'))
  } catch (error) {
    // Who has a role of an earlier version restores all the same.
    if (!isFailure(error, 'denied')) throw error
    const message = `whether pauses of the platform stop the app's own database cannot be told: ${error.message}`
    progress({ type: 'warning', message })
    return []
  }
}

/** Pods in the network of their node have its address, and so do others. */
async function podAddresses(
  { workload: { kind, namespace }, object }: Selected,
  client: KubernetesClient,
): Promise<readonly string[]> {
  const { selector, owns } = kindOf(kind)
  if (selector === undefined || owns === undefined) return []
  const pods = await listPods(namespace, selector(object), client)
  const own = pods.filter((pod) => owns(pod, object) && pod.spec.hostNetwork !== true)
  return own.flatMap(({ status }) => status.podIPs?.map(({ ip }) => ip) ?? [])
}

function servesIt(workload: WorkloadName, server: ServerAddress): Failure {
  const what = `${addressText(server)} of component ${server.component}`
  return new Failure('refused', `pauses of the platform select ${nameOf(workload)}, which serves ${what}`, {
    hint: 'Take it out of pauses: name the workloads that write, or exclude it by its labels, for example app!=database in selector.',
  })
}
