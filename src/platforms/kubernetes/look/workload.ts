import { z } from 'zod'
import { plainThing, type Thing, type VariableSource } from '../../surroundings.ts'
import { containerSpec, type ContainerSpec } from '../place/pod.ts'

/** The names of keys, by `Secret/name` and `ConfigMap/name`. */
export type Pools = ReadonlyMap<string, readonly string[]>

const words = z.record(z.string(), z.string()).nullish()
const named = z.object({ name: z.string() }).nullish()
const volume = z.object({
  name: z.string(),
  secret: z.object({ secretName: z.string() }).nullish(),
  configMap: named,
  projected: z.object({ sources: z.array(z.object({ secret: named, configMap: named })).nullish() }).nullish(),
  persistentVolumeClaim: z.unknown().optional(),
  hostPath: z.unknown().optional(),
  nfs: z.unknown().optional(),
})
type Volume = z.infer<typeof volume>
const container = containerSpec.extend({
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })).nullish(),
})
const pod = z.object({
  spec: z.object({ containers: z.array(container), volumes: z.array(volume).nullish() }),
})
const direct = z.object({
  replicas: z.number().nullish(),
  selector: z.object({ matchLabels: words }).nullish(),
  template: pod,
  volumeClaimTemplates: z.array(z.object({ metadata: z.object({ name: z.string() }) })).nullish(),
})
const scheduled = z.object({ jobTemplate: z.object({ spec: z.object({ template: pod }) }) })

/** Deployment, StatefulSet, DaemonSet and CronJob, as far as an app is recognised by them. */
export const workloadShape = z.object({
  metadata: z.object({ name: z.string(), labels: words }),
  spec: z.union([direct, scheduled]),
})

export function workloadThing(kind: string, { metadata, spec }: z.infer<typeof workloadShape>, pools: Pools): Thing {
  const { containers, volumes } = ('template' in spec ? spec.template : spec.jobTemplate.spec.template).spec
  const claims = 'template' in spec ? (spec.volumeClaimTemplates ?? []).map((one) => one.metadata.name) : []
  const lasting = new Set([...claims, ...(volumes ?? []).filter(isLasting).map(({ name }) => name)])
  const mounts = containers.flatMap(({ volumeMounts }) => volumeMounts ?? [])
  const labels = metadata.labels ?? {}
  const reach = reachOf(kind, metadata.name, labels, 'template' in spec ? (spec.selector?.matchLabels ?? {}) : {})
  return {
    ...plainThing,
    kind,
    name: metadata.name,
    labels,
    containers: containers.map(({ name, image }) => ({ name, image })),
    ...(reach === undefined ? {} : { reach: { kind: 'kubernetes', ...reach } }),
    count: 'template' in spec ? (spec.replicas ?? 1) : 0,
    variables: Object.assign({}, ...containers.map((one) => variablesOf(one, pools))),
    uses: [...new Set([...containers.flatMap(usesOfContainer), ...(volumes ?? []).flatMap(usesOfVolume)])],
    mounts: mounts.map(({ name, mountPath }) => ({ path: mountPath, lasts: lasting.has(name) })),
  }
}

function isLasting({ persistentVolumeClaim, hostPath, nfs }: Volume): boolean {
  return persistentVolumeClaim != null || hostPath != null || nfs != null
}

/** A server of Zalando's operator moves between the pods of its cluster. */
function reachOf(
  kind: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> | undefined {
  const cluster = labels['application'] === 'spilo' ? labels['cluster-name'] : undefined
  if (cluster !== undefined) return { cluster: { operator: 'zalando', name: cluster } }
  if (kind === 'StatefulSet') return { statefulSet: name }
  if (kind !== 'Deployment' || Object.keys(selector).length === 0) return undefined
  const text = Object.entries(selector).map(([key, value]) => `${key}=${value}`)
  return { selector: text.join(',') }
}

function variablesOf({ env, envFrom }: ContainerSpec, pools: Pools): Readonly<Record<string, VariableSource>> {
  const taken = (envFrom ?? []).flatMap(({ prefix, secretRef, configMapRef }) =>
    (['Secret', 'ConfigMap'] as const).flatMap((from) => {
      const name = (from === 'Secret' ? secretRef : configMapRef)?.name
      const keys = name === undefined ? [] : (pools.get(`${from}/${name}`) ?? [])
      return keys.map((key) => [`${prefix ?? ''}${key}`, { from, name: name ?? '', key }] as const)
    }),
  )
  const own = (env ?? []).map(({ name, valueFrom }) => {
    const { secretKeyRef, configMapKeyRef } = valueFrom ?? {}
    if (secretKeyRef != null) return [name, { from: 'Secret', name: secretKeyRef.name, key: secretKeyRef.key }] as const
    if (configMapKeyRef != null)
      return [name, { from: 'ConfigMap', name: configMapKeyRef.name, key: configMapKeyRef.key }] as const
    return [name, { from: 'text' }] as const
  })
  return Object.fromEntries([...taken, ...own])
}

function usesOfContainer({ env, envFrom }: ContainerSpec): readonly string[] {
  const single = (env ?? []).flatMap(({ valueFrom }) => [valueFrom?.secretKeyRef, valueFrom?.configMapKeyRef])
  const whole = (envFrom ?? []).flatMap(({ secretRef, configMapRef }) => [secretRef, configMapRef])
  return [...single, ...whole].flatMap((ref, index) =>
    ref == null ? [] : [`${index % 2 === 0 ? 'Secret' : 'ConfigMap'}/${ref.name}`],
  )
}

function usesOfVolume({ secret, configMap, projected }: Volume): readonly string[] {
  const inside = projected?.sources ?? []
  return [
    ...[secret?.secretName, ...inside.map((source) => source.secret?.name)].map((name) => name && `Secret/${name}`),
    ...[configMap?.name, ...inside.map((source) => source.configMap?.name)].map((name) => name && `ConfigMap/${name}`),
  ].filter((one): one is string => one !== undefined && one !== '')
}
