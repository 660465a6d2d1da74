import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { ofFiles, ofHook, reachBase, type HoldsFiles } from '../reach.ts'

const objectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'expected the name of an object: lower-case letters, digits, hyphens, dots',
  )
const labelSelector = z.string().min(1).max(2000).meta({ description: 'Labels as for kubectl -l.' })
const namespace = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'expected the name of a namespace')

const pausedKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job'] as const
const suspendedKinds = ['Kustomization', 'HelmRelease', 'Application'] as const

const pause = z
  .strictObject({
    kind: z.enum(pausedKinds).meta({ description: 'Other kinds have no way to be paused. A Job is waited for.' }),
    name: objectName.optional(),
    selector: labelSelector
      .optional()
      .meta({ description: 'All of this kind with these labels, and at least one, but for jobs.' }),
  })
  .refine(({ name, selector }) => (name === undefined) !== (selector === undefined), 'expected either name or selector')
const suspend = z.strictObject({
  kind: z.enum(suspendedKinds).meta({ description: 'Of Flux: Kustomization, HelmRelease. Of Argo CD: Application.' }),
  name: objectName,
  namespace: namespace.optional().meta({ description: 'Default: the namespace of the app.' }),
})

export const kubernetesSettings = z.strictObject({
  kind: z.literal('kubernetes'),
  namespace: namespace.meta({ description: 'The namespace of the app.' }),
  kubeconfig: z
    .string()
    .refine((path) => isAbsolute(path) && !path.includes('\0'), { error: 'must be an absolute path' })
    .optional()
    .meta({ description: 'A kubeconfig. Default: the service account of the pod that Holdfast runs in.' }),
  context: z.string().min(1).optional().meta({ description: 'A context of it. Default: its current one.' }),
  pauses: z
    .array(pause)
    .default([])
    .meta({ description: 'Workloads that write to the data, in the order in which they are stopped.' }),
  suspends: z
    .array(suspend)
    .default([])
    .meta({ description: 'What would start the workloads again. It is suspended before them and resumed after them.' }),
  limitSeconds: z
    .number()
    .positive()
    .default(300)
    .meta({ description: 'How long one workload may take to stop or to be ready.' }),
})
export type KubernetesSettings = z.infer<typeof kubernetesSettings>
export type PauseSelection = z.infer<typeof pause>
export type SuspendSelection = z.infer<typeof suspend>

const cluster = z.strictObject({
  operator: z.enum(['zalando', 'cloudnative-pg']),
  name: objectName.meta({ description: 'The name of the cluster resource.' }),
})
const podWays = ['pod', 'selector', 'service', 'statefulSet'] as const
const ways = [...podWays, 'cluster'] as const
const podReach = {
  kind: z.literal('kubernetes'),
  container: objectName.optional().meta({ description: 'Which container, where the pod has several.' }),
  pod: objectName.optional(),
  selector: labelSelector.optional().meta({ description: 'Labels that one pod alone has.' }),
  service: objectName.optional().meta({ description: 'A Service that selects one pod.' }),
  statefulSet: objectName.optional().meta({ description: 'A StatefulSet with one pod.' }),
}

export const kubernetesReach = z
  .strictObject({
    ...podReach,
    ...reachBase,
    cluster: cluster.optional().meta({ description: 'The primary of a cluster that an operator runs.' }),
  })
  .refine(
    (reach) => ways.filter((way) => reach[way] !== undefined).length === 1,
    `expected exactly one of ${ways.join(', ')}`,
  )
export type KubernetesReach = z.infer<typeof kubernetesReach> & HoldsFiles

const onePod = z
  .strictObject(podReach)
  .refine(
    (reach) => podWays.filter((way) => reach[way] !== undefined).length === 1,
    `expected exactly one of ${podWays.join(', ')}`,
  )
export const kubernetesFilesReach = onePod.transform((reach) => ({ ...reach, ...ofFiles }))
export const kubernetesHookReach = onePod.transform((reach) => ({ ...reach, ...ofHook }))
