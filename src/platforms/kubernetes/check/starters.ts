import { z } from 'zod'
import type { Finding } from '../../../core/restore-point.ts'
import { isFailure } from '../../../core/failure.ts'
import { parsed, type KubernetesClient } from '../client.ts'
import type { WorkloadName } from '../pause/pausable.ts'
import { nameOf } from '../pause/workload-name.ts'
import type { KubernetesSettings } from '../schema.ts'

const words = z.record(z.string(), z.string()).nullish()
const marked = z.object({ metadata: z.object({ labels: words, annotations: words }) })

interface Selected {
  readonly workload: WorkloadName
  readonly object: unknown
}

/** Who might start paused workloads again: Flux and Argo CD where they are not suspended, and autoscalers. */
export async function startersOf(
  settings: KubernetesSettings,
  all: readonly Selected[],
  client: KubernetesClient,
): Promise<readonly Finding[]> {
  const suspended = new Set(all.map(({ workload }) => nameOf(workload)))
  const open = all.flatMap((one) => managersOf(one.object).map((manager) => ({ ...one, manager })))
  const findings = open
    .filter(({ manager }) => !isSuspended(manager, suspended))
    .map(({ workload, manager }): Finding => ({
      level: 'warning',
      subject: nameOf(workload),
      message: `${manager.kind} ${manager.name} starts it again while it is paused`,
      hint: `Add {kind: ${manager.kind}, name: ${manager.name}, namespace: …} to suspends of the platform.`,
    }))
  return [...findings, ...(await autoscalers(settings, all, client))]
}

interface Manager {
  readonly kind: string
  readonly name: string
  /** Where it is known. */
  readonly namespace?: string | undefined
}

/** By what Flux and Argo CD write on all that they make. */
export function managersOf(object: unknown): readonly Manager[] {
  const { labels, annotations } = marked.parse(object).metadata
  const flux = (kind: string, prefix: string): Manager[] => {
    const name = labels?.[`${prefix}/name`]
    return name === undefined ? [] : [{ kind, name, namespace: labels?.[`${prefix}/namespace`] }]
  }
  const argo = annotations?.['argocd.argoproj.io/tracking-id']?.split(':')[0] ?? labels?.['argocd.argoproj.io/instance']
  return [
    ...flux('Kustomization', 'kustomize.toolkit.fluxcd.io'),
    ...flux('HelmRelease', 'helm.toolkit.fluxcd.io'),
    ...(argo === undefined ? [] : [{ kind: 'Application', name: argo }]),
  ]
}

function isSuspended({ kind, name, namespace }: Manager, suspended: ReadonlySet<string>): boolean {
  if (namespace !== undefined) return suspended.has(nameOf({ kind, namespace, name }))
  return [...suspended].some((one) => one.startsWith(`${kind}/`) && one.endsWith(`/${name}`))
}

const autoscaler = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ scaleTargetRef: z.object({ kind: z.string(), name: z.string() }) }),
})

/** One that finds 0 replicas leaves them alone; it is named so that nobody wonders. */
async function autoscalers(
  { namespace }: KubernetesSettings,
  all: readonly Selected[],
  client: KubernetesClient,
): Promise<readonly Finding[]> {
  const resource = {
    api: '/apis/autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    namespace,
  }
  try {
    const found = (await client.list(resource, '')).map((item) => parsed(autoscaler, item, 'list autoscalers'))
    const ofThem = found.filter(({ spec: { scaleTargetRef: target } }) =>
      all.some(({ workload }) => workload.kind === target.kind && workload.name === target.name),
    )
    return ofThem.map(({ metadata, spec }) => ({
      level: 'ok',
      subject: `${spec.scaleTargetRef.kind}/${namespace}/${spec.scaleTargetRef.name}`,
      message: `HorizontalPodAutoscaler ${metadata.name} leaves it alone while it has 0 replicas`,
    }))
  } catch (error) {
    // Nothing depends on it, so no right is asked for.
    if (isFailure(error, 'denied')) return []
    throw error
  }
}
