import type { KubernetesClient, Resource } from '../client.ts'
import type { Pod } from '../place/pod.ts'

/** One workload, or what would start workloads again. */
export interface WorkloadName {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** How one kind of object is stopped and started. Its changes are merge patches of `spec`, made from the object as it was read. */
export interface PausableKind {
  readonly kind: string
  /** Fails with `unsupported` where the cluster does not know the kind. */
  resource(namespace: string, client: KubernetesClient): Promise<Resource>
  isRunning(object: unknown): boolean
  /** Nobody stops it: it is waited for until it has ended by itself, or is gone, and nothing starts it again. */
  readonly isWaitedFor?: true
  /** What to record, and the change of `spec` that stops it. */
  stop(object: unknown): { readonly recorded: unknown; readonly spec: unknown }
  /** For people: what `start` brings back. */
  describe(recorded: unknown): string
  /** The change of `spec` that starts it as it was. */
  start(recorded: unknown): unknown
  /** Whether a pod is of this object. Absent for kinds without pods. */
  readonly owns?: (pod: Pod, object: unknown) => boolean
  /** The labels of its pods, as a selector. */
  readonly selector?: (object: unknown) => string
  /** Whether it is as ready as it should be now. */
  isReady(object: unknown): boolean
}
