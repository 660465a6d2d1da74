import { z } from 'zod'
import type { KubernetesClient } from '../client.ts'
import { parsed } from '../client.ts'
import { podsIn } from '../resources.ts'

const keyIn = z.object({ name: z.string(), key: z.string(), optional: z.boolean().nullish() })
const variableSpec = z.object({
  name: z.string(),
  value: z.string().nullish(),
  valueFrom: z.object({ secretKeyRef: keyIn.nullish(), configMapKeyRef: keyIn.nullish() }).nullish(),
})
const sourceOf = z.object({ name: z.string(), optional: z.boolean().nullish() })
const variablesFrom = z.object({
  prefix: z.string().nullish(),
  secretRef: sourceOf.nullish(),
  configMapRef: sourceOf.nullish(),
})
export const containerSpec = z.object({
  name: z.string(),
  image: z.string(),
  env: z.array(variableSpec).nullish(),
  envFrom: z.array(variablesFrom).nullish(),
})
const state = z.object({
  running: z.unknown().optional(),
  waiting: z.object({ reason: z.string().optional() }).nullish(),
  terminated: z.object({ reason: z.string().optional() }).nullish(),
})
export const owners = z
  .array(z.object({ kind: z.string(), name: z.string(), uid: z.string(), controller: z.boolean().nullish() }))
  .nullish()

const podShape = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).nullish(),
    annotations: z.record(z.string(), z.string()).nullish(),
    deletionTimestamp: z.string().nullish(),
    ownerReferences: owners,
  }),
  spec: z.object({
    nodeName: z.string().nullish(),
    hostNetwork: z.boolean().nullish(),
    containers: z.array(containerSpec),
    volumes: z.array(z.object({ persistentVolumeClaim: z.object({ claimName: z.string() }).nullish() })).nullish(),
  }),
  status: z.object({
    phase: z.string().default('Unknown'),
    reason: z.string().nullish(),
    conditions: z
      .array(
        z.object({
          type: z.string(),
          status: z.string(),
          reason: z.string().nullish(),
          message: z.string().nullish(),
        }),
      )
      .nullish(),
    podIP: z.string().nullish(),
    podIPs: z.array(z.object({ ip: z.string() })).nullish(),
    containerStatuses: z.array(z.object({ name: z.string(), ready: z.boolean(), state: state.optional() })).nullish(),
  }),
})
export type Pod = z.infer<typeof podShape>
export type ContainerSpec = z.infer<typeof containerSpec>
export type VariablesFrom = z.infer<typeof variablesFrom>
export type VariableSpec = z.infer<typeof variableSpec>

/** Undefined when there is none of this name. */
export async function readPod(namespace: string, name: string, client: KubernetesClient): Promise<Pod | undefined> {
  const body = await client.get(podsIn(namespace), name)
  return body === undefined ? undefined : parsed(podShape, body, `read Pod ${name}`)
}

export async function listPods(namespace: string, selector: string, client: KubernetesClient): Promise<readonly Pod[]> {
  const items = await client.list(podsIn(namespace), selector)
  return items.map((item) => parsed(podShape, item, 'list pods'))
}

/** For people: `db-0 (Pending, postgres waits: ImagePullBackOff)`. */
export function describePod({ metadata, status }: Pod): string {
  const unready = (status.containerStatuses ?? []).filter(({ ready }) => !ready)
  const why = unready.map(({ name, state: now }) => {
    const reason = now?.waiting?.reason ?? now?.terminated?.reason
    return `${name} is not ready${reason === undefined ? '' : `: ${reason}`}`
  })
  const ending = metadata.deletionTimestamp == null ? [] : ['is being deleted']
  return `${metadata.name} (${[status.phase, ...ending, ...why].join(', ')})`
}

/** Of one that is not alive: `was evicted from its node`. */
export function endingOf({ status }: Pod): string {
  // Written before the deletion, by who drains the node or needs its room.
  const disrupted = status.conditions?.find(({ type, status: is }) => type === 'DisruptionTarget' && is === 'True')
  if (disrupted !== undefined) return `is evicted from its node (${disrupted.reason ?? 'without a reason'})`
  if (status.phase !== 'Failed' && status.phase !== 'Succeeded') return 'is being deleted'
  return status.reason === 'Evicted' ? 'was evicted from its node' : `has ended (${status.reason ?? status.phase})`
}

/** Neither ended nor about to be. */
export function isAlive({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp == null && status.phase !== 'Succeeded' && status.phase !== 'Failed'
}
