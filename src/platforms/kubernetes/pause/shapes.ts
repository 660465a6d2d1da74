import { z } from 'zod'

const labels = z.record(z.string(), z.string())
const expression = z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() })

export const metadataShape = z.object({
  name: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.number().default(0),
  annotations: labels.nullish(),
})
const labelSelectorShape = z.object({
  matchLabels: labels.nullish(),
  matchExpressions: z.array(expression).nullish(),
})
const count = z.number().default(0)

/** Of every object here. */
export const anyObject = z.object({ metadata: metadataShape })

/** Deployment and StatefulSet. */
export const scaledShape = z.object({
  metadata: metadataShape,
  // The server fills in 1 where nothing is said.
  spec: z.object({ replicas: z.number().default(1), selector: labelSelectorShape }),
  status: z
    .object({ observedGeneration: count, replicas: count, readyReplicas: count, updatedReplicas: count })
    .prefault({}),
})

export const daemonSetShape = z.object({
  metadata: metadataShape,
  spec: z.object({
    selector: labelSelectorShape,
    template: z.object({ spec: z.object({ nodeSelector: labels.nullish() }) }),
  }),
  status: z.object({ observedGeneration: count, desiredNumberScheduled: count, numberReady: count }).prefault({}),
})

/** CronJob, and Kustomization and HelmRelease of Flux. */
export const suspendedShape = z.object({
  metadata: metadataShape,
  spec: z.object({ suspend: z.boolean().nullish() }).prefault({}),
})

export const applicationShape = z.object({
  metadata: metadataShape,
  spec: z.object({ syncPolicy: z.object({ automated: z.unknown().optional() }).nullish() }),
})

/** As kubectl -l takes it. */
export function selectorText({ matchLabels, matchExpressions }: z.infer<typeof labelSelectorShape>): string {
  const equal = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const others = (matchExpressions ?? []).map(({ key, operator, values }) => {
    if (operator === 'Exists') return key
    if (operator === 'DoesNotExist') return `!${key}`
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${(values ?? []).join(',')})`
  })
  return [...equal, ...others].join(',')
}
