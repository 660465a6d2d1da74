import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { cronJobsIn, daemonSetsIn, deploymentsIn, jobsIn, statefulSetsIn } from '../resources.ts'
import type { Pod } from '../place/pod.ts'
import { resourceOf } from './discover.ts'
import type { PausableKind } from './pausable.ts'
import { hasEnded } from './running-jobs.ts'
import { anyObject, applicationShape, daemonSetShape, scaledShape, selectorText, suspendedShape } from './shapes.ts'

/** No node has it. */
const NOWHERE = { 'holdfast-paused': 'true' }

function isOwnedBy({ metadata }: Pod, kind: string, matches: (name: string, uid: string) => boolean): boolean {
  return (metadata.ownerReferences ?? []).some((owner) => owner.kind === kind && matches(owner.name, owner.uid))
}

const ofUid =
  (kind: string) =>
  (pod: Pod, object: unknown): boolean =>
    isOwnedBy(pod, kind, (_name, uid) => uid === anyObject.parse(object).metadata.uid)

const replicasRecord = z.object({ replicas: z.number().int().positive() })
const replicasText = (count: number): string => `${count} ${count === 1 ? 'replica' : 'replicas'}`
const scaled = {
  isRunning: (object: unknown) => scaledShape.parse(object).spec.replicas > 0,
  stop: (object: unknown) => ({
    recorded: { replicas: scaledShape.parse(object).spec.replicas },
    spec: { replicas: 0 },
  }),
  describe: (recorded: unknown) => replicasText(replicasRecord.parse(recorded).replicas),
  start: (recorded: unknown) => ({ replicas: replicasRecord.parse(recorded).replicas }),
  selector: (object: unknown) => selectorText(scaledShape.parse(object).spec.selector),
  isReady(object: unknown) {
    const { metadata, spec, status } = scaledShape.parse(object)
    return status.observedGeneration >= metadata.generation && status.readyReplicas >= spec.replicas
  },
} as const

const deployment: PausableKind = {
  ...scaled,
  kind: 'Deployment',
  resource: async (namespace) => deploymentsIn(namespace),
  // Its ReplicaSets are named after it.
  owns: (pod, object) =>
    isOwnedBy(pod, 'ReplicaSet', (name) => name.startsWith(`${anyObject.parse(object).metadata.name}-`)),
}

const statefulSet: PausableKind = {
  ...scaled,
  kind: 'StatefulSet',
  resource: async (namespace) => statefulSetsIn(namespace),
  owns: ofUid('StatefulSet'),
}

/** It has no number to scale; a label that no node has leaves its own selector as it is. */
const daemonSet: PausableKind = {
  kind: 'DaemonSet',
  resource: async (namespace) => daemonSetsIn(namespace),
  isRunning: (object) => !isNowhere(object),
  stop: (object) => ({
    recorded: { nodeSelector: daemonSetShape.parse(object).spec.template.spec.nodeSelector ?? {} },
    spec: { template: { spec: { nodeSelector: NOWHERE } } },
  }),
  describe: () => 'the nodes that it had',
  start: () => ({ template: { spec: { nodeSelector: { 'holdfast-paused': null } } } }),
  owns: ofUid('DaemonSet'),
  selector: (object) => selectorText(daemonSetShape.parse(object).spec.selector),
  isReady(object) {
    const { metadata, status } = daemonSetShape.parse(object)
    return status.observedGeneration >= metadata.generation && status.numberReady >= status.desiredNumberScheduled
  },
}

function isNowhere(object: unknown): boolean {
  return daemonSetShape.parse(object).spec.template.spec.nodeSelector?.['holdfast-paused'] !== undefined
}

const suspendedRecord = z.object({ suspend: z.literal(false).nullable() })
const suspended = {
  isRunning: (object: unknown) => suspendedShape.parse(object).spec.suspend !== true,
  stop: (object: unknown) => ({
    recorded: { suspend: suspendedShape.parse(object).spec.suspend ?? null },
    spec: { suspend: true },
  }),
  describe: () => 'not suspended',
  // Where nothing was written there, the patch takes it out again.
  start: (recorded: unknown) => ({ suspend: suspendedRecord.parse(recorded).suspend }),
  isReady: (object: unknown) => suspendedShape.parse(object).spec.suspend !== true,
} as const

const cronJob: PausableKind = { ...suspended, kind: 'CronJob', resource: async (namespace) => cronJobsIn(namespace) }

/** A migration that is ended in the middle leaves half of it. */
const job: PausableKind = {
  kind: 'Job',
  resource: async (namespace) => jobsIn(namespace),
  isWaitedFor: true,
  isRunning: (object) => !hasEnded(object),
  stop: () => ({ recorded: {}, spec: undefined }),
  describe: () => 'nothing, it is waited for',
  start: () => undefined,
  isReady: () => true,
}

const flux = (kind: string, group: string, plural: string): PausableKind => ({
  ...suspended,
  kind,
  resource: (namespace, client) => resourceOf({ kind, group, plural, of: 'Flux' }, namespace, client),
})

const automatedRecord = z.object({ automated: z.unknown() })
const application: PausableKind = {
  kind: 'Application',
  resource: (namespace, client) =>
    resourceOf({ kind: 'Application', group: 'argoproj.io', plural: 'applications', of: 'Argo CD' }, namespace, client),
  isRunning: (object) => applicationShape.parse(object).spec.syncPolicy?.automated != null,
  stop: (object) => ({
    recorded: { automated: applicationShape.parse(object).spec.syncPolicy?.automated },
    spec: { syncPolicy: { automated: null } },
  }),
  describe: () => 'automated synchronisation',
  start: (recorded) => ({ syncPolicy: { automated: automatedRecord.parse(recorded).automated } }),
  isReady: () => true,
}

const kinds: readonly PausableKind[] = [
  deployment,
  statefulSet,
  daemonSet,
  cronJob,
  job,
  flux('Kustomization', 'kustomize.toolkit.fluxcd.io', 'kustomizations'),
  flux('HelmRelease', 'helm.toolkit.fluxcd.io', 'helmreleases'),
  application,
]

/** A kind without a way is refused. */
export function kindOf(name: string): PausableKind {
  const kind = kinds.find((one) => one.kind === name)
  if (kind !== undefined) return kind
  throw new Failure('refused', `Holdfast has no way to pause the kind ${name}`, {
    hint: `It pauses ${kinds.map((one) => one.kind).join(', ')}. Stop this one by hand before a restore.`,
  })
}
