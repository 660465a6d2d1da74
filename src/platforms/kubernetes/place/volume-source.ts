import { z } from 'zod'
import { identityShape, likeSpec } from './throw-away-pod.ts'

const volumeMount = z.object({
  name: z.string(),
  mountPath: z.string(),
  subPath: z.string().nullish(),
  subPathExpr: z.string().nullish(),
})
export type VolumeMount = z.infer<typeof volumeMount>

/** What of a pod, or of the template of one, another pod needs that has the same volumes. */
export const podSpec = likeSpec.extend({
  nodeName: z.string().nullish(),
  volumes: z.array(z.looseObject({ name: z.string() })).nullish(),
  containers: z.array(
    z.object({
      name: z.string(),
      image: z.string(),
      securityContext: identityShape,
      volumeMounts: z.array(volumeMount).nullish(),
    }),
  ),
})
export const volumesShape = z.object({ spec: podSpec }).transform(({ spec }) => spec)

export interface VolumeSource {
  readonly metadata: {
    readonly namespace: string
    readonly name: string
    readonly annotations?: Readonly<Record<string, string>> | null | undefined
  }
  readonly spec: z.infer<typeof podSpec>
}
