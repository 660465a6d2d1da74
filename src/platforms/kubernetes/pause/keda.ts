import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { parsed, type KubernetesClient, type Resource } from '../client.ts'
import { versionOf } from './discover.ts'
import type { WorkloadName } from './pausable.ts'
import { PAUSED, patchOf, recordIn } from './record.ts'
import { metadataShape } from './shapes.ts'

/** What of a workload matters here. */
export interface KedaTarget {
  readonly client: KubernetesClient
  readonly context: Context
  readonly kind: { readonly kind: string }
  readonly namespace: string
  readonly name: string
}

const GROUP = 'keda.sh'
const REPLICAS = 'autoscaling.keda.sh/paused-replicas'
const STILL = 'autoscaling.keda.sh/paused'
const scaledObject = z.object({
  metadata: metadataShape,
  spec: z.object({ scaleTargetRef: z.object({ kind: z.string().default('Deployment'), name: z.string() }) }),
})
const former = z.object({ pausedReplicas: z.string().nullable() })

/** Whether KEDA would scale it up from 0 by itself. What somebody paused at 0, or we did, it leaves there. */
export async function isWatchedByKeda(
  { kind, namespace, name }: WorkloadName,
  client: KubernetesClient,
): Promise<boolean> {
  const found = await watching({ client, kind: { kind }, namespace, name })
  return found.some(({ annotations }) => annotations[REPLICAS] !== '0' && annotations[STILL] !== 'true')
}

/** KEDA scales what it watches up from 0 again, unless it is told to keep it there. */
export async function pauseKeda(target: KedaTarget): Promise<void> {
  for (const { resource, name } of await watching(target))
    await changed(resource, name, target, async (object) => {
      const { annotations } = parsed(scaledObject, object, `read ScaledObject ${name}`).metadata
      if (annotations?.[PAUSED] !== undefined && annotations[REPLICAS] === '0') return true
      const record = { pausedReplicas: annotations?.[REPLICAS] ?? null }
      const act = `pause ScaledObject/${target.namespace}/${name}`
      return await target.context.effects.run(act, () =>
        target.client.patch(resource, name, withReplicas(patchOf(object, record, undefined), '0')),
      )
    })
}

/** As it was. What somebody changed meanwhile is kept. Gives whether any was paused by us. */
export async function resumeKeda(target: KedaTarget): Promise<boolean> {
  const all = await watching(target)
  for (const { resource, name } of all)
    await changed(resource, name, target, async (object) => {
      const what = `ScaledObject/${target.namespace}/${name}`
      const record = recordIn(object, what)
      if (record === undefined) return true
      const { annotations } = parsed(scaledObject, object, `read ${what}`).metadata
      const isOurs = annotations?.[REPLICAS] === '0'
      const patch = patchOf(object, undefined, undefined)
      const { pausedReplicas } = former.parse(record)
      return await target.context.effects.run(`resume ${what}`, () =>
        target.client.patch(resource, name, isOurs ? withReplicas(patch, pausedReplicas) : patch),
      )
    })
  return all.some(({ annotations }) => annotations[PAUSED] !== undefined)
}

const patchShape = z.object({ metadata: z.looseObject({ annotations: z.record(z.string(), z.string().nullable()) }) })

function withReplicas(patch: unknown, replicas: string | null): unknown {
  const { metadata } = patchShape.parse(patch)
  return { metadata: { ...metadata, annotations: { ...metadata.annotations, [REPLICAS]: replicas } } }
}

interface Found {
  readonly resource: Resource
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
}

async function watching({ client, kind, namespace, name }: Omit<KedaTarget, 'context'>): Promise<readonly Found[]> {
  if (kind.kind !== 'Deployment' && kind.kind !== 'StatefulSet') return []
  const version = await versionOf(GROUP, client)
  if (version === undefined) return []
  const resource = { api: `/apis/${GROUP}/${version}`, kind: 'ScaledObject', plural: 'scaledobjects', namespace }
  const all = (await client.list(resource, '')).map((item) => parsed(scaledObject, item, 'list scaledobjects'))
  const ofIt = all.filter(({ spec }) => spec.scaleTargetRef.kind === kind.kind && spec.scaleTargetRef.name === name)
  return ofIt.map(({ metadata }) => ({ resource, name: metadata.name, annotations: metadata.annotations ?? {} }))
}

async function changed(
  resource: Resource,
  name: string,
  { client }: KedaTarget,
  act: (object: unknown) => Promise<boolean>,
): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const object = await client.get(resource, name)
    if (object === undefined || (await act(object))) return
  }
  throw new Failure('locked', `ScaledObject ${name} is changed by somebody else all the time`, {
    hint: 'Run this again.',
  })
}
