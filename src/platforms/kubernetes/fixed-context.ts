import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { accessTo } from './connect.ts'
import type { KubernetesSettings } from './schema.ts'

/** The cluster that a plan was made for: what an order carries. */
export interface PlannedCluster {
  /** Of the kubeconfig, or `in-cluster`. */
  readonly context: string
  readonly server: string
}

/** Which cluster the settings mean now. */
export async function clusterNow(settings: KubernetesSettings, context: Context): Promise<PlannedCluster> {
  const { context: name, server } = await accessTo(settings, context)
  return { context: name, server }
}

/** Fails with `refused` where the settings mean another cluster than the one of the plan. */
export async function refuseSwitched(
  settings: KubernetesSettings,
  planned: PlannedCluster,
  context: Context,
): Promise<void> {
  const now = await clusterNow(settings, context)
  if (now.context === planned.context && now.server === planned.server) return
  throw new Failure(
    'refused',
    `the kubeconfig names another cluster than the plan: context ${now.context} at ${now.server} in place of ${planned.context} at ${planned.server}`,
    { hint: 'Set context in the platform of the app, or switch the kubeconfig back, then run this again.' },
  )
}
