import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { plainThing, type Surroundings, type Thing } from '../../surroundings.ts'
import { parsed, type KubernetesClient, type Resource } from '../client.ts'
import { withCluster } from '../connect.ts'
import { configMapsIn, cronJobsIn, daemonSetsIn, deploymentsIn, secretsIn, statefulSetsIn } from '../resources.ts'
import { kubernetesSettings } from '../schema.ts'
import { declaredDatabases } from './zalando.ts'
import { workloadThing, workloadShape, type Pools } from './workload.ts'
import { startersOfObject } from './starters-of-object.ts'

export interface NamespaceAddress {
  readonly namespace: string
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
}

/** Those of Helm hold its releases, and are many and large. */
const NOT_OF_HELM = 'owner!=helm'
const pool = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).nullish() }),
  data: z.record(z.string(), z.unknown()).nullish(),
})

/** The workloads, Secrets and ConfigMaps of a namespace. It reads Secrets, of which it keeps the names of keys. Changes nothing. */
export async function lookAtNamespace(address: NamespaceAddress, context: Context): Promise<Surroundings> {
  const given = Object.fromEntries(Object.entries(address).filter(([, value]) => value !== undefined))
  const settings = kubernetesSettings.parse({ kind: 'kubernetes', ...given })
  return await withCluster(settings, context, async (client) => {
    // What a switched kubeconfig would change is written down.
    const { context: name } = client.access
    const fixed = settings.kubeconfig === undefined ? {} : { context: name }
    return {
      place: `namespace ${settings.namespace} in context ${name}`,
      name: settings.namespace,
      settings: { kind: 'kubernetes', ...given, ...fixed },
      things: await thingsIn(settings.namespace, client),
      ownFiles: [],
      pausing: pausesOf,
    }
  })
}

function pausesOf(writers: readonly Thing[]): Readonly<Record<string, unknown>> {
  const starters = writers.flatMap((writer) => writer.starters).filter(({ namespace }) => namespace !== undefined)
  const unique = [...new Map(starters.map((one) => [JSON.stringify(one), one])).values()]
  return {
    ...(unique.length === 0 ? {} : { suspends: unique }),
    pauses: writers.map(({ kind, name }) => ({ kind, name })),
  }
}

async function thingsIn(namespace: string, client: KubernetesClient): Promise<readonly Thing[]> {
  const pools = [
    ...(await poolsIn(secretsIn(namespace), NOT_OF_HELM, client)),
    ...(await poolsIn(configMapsIn(namespace), '', client)),
  ]
  const keys: Pools = new Map(pools.map((one) => [`${one.kind}/${one.name}`, one.keys]))
  const kinds = [deploymentsIn, statefulSetsIn, daemonSetsIn, cronJobsIn].map((of) => of(namespace))
  const workloads: Thing[] = []
  for (const resource of kinds) workloads.push(...(await workloadsOf(resource, namespace, keys, client)))
  return [...workloads, ...pools]
}

async function poolsIn(resource: Resource, selector: string, client: KubernetesClient): Promise<readonly Thing[]> {
  const items = await client.list(resource, selector)
  return items.map((item) => {
    const { metadata, data } = parsed(pool, item, `list ${resource.plural}`)
    const { name, labels } = metadata
    return { ...plainThing, kind: resource.kind, name, labels: labels ?? {}, keys: Object.keys(data ?? {}) }
  })
}

async function workloadsOf(
  resource: Resource,
  namespace: string,
  pools: Pools,
  client: KubernetesClient,
): Promise<readonly Thing[]> {
  const things: Thing[] = []
  for (const item of await client.list(resource, '')) {
    const thing = workloadThing(resource.kind, parsed(workloadShape, item, `list ${resource.plural}`), pools)
    const starters = await startersOfObject(item, namespace, client)
    things.push({ ...thing, starters, databases: await declaredDatabases(thing, namespace, client) })
  }
  return things
}
