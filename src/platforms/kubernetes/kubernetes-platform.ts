import type { Context } from '../../core/ports.ts'
import type { Inside, Platform } from '../platform.ts'
import { checkPlatform } from './check/check.ts'
import { withCluster } from './connect.ts'
import { pauseWorkload, resumeWorkload } from './pause/pause.ts'
import { runningWorkloads } from './pause/running.ts'
import { findPlace } from './place/find.ts'
import { kubernetesReach, kubernetesSettings, type KubernetesReach, type KubernetesSettings } from './schema.ts'

type KubernetesPlatform = Platform<KubernetesSettings, KubernetesReach> & {
  readonly inside: Inside<KubernetesSettings, KubernetesReach>
}

/** Workloads are those of the cluster, and what would start them again. Their names are `<kind>/<namespace>/<name>`. */
export const kubernetesPlatform: KubernetesPlatform = {
  kind: 'kubernetes',
  settings: kubernetesSettings,
  running: (settings, context) => withCluster(settings, context, (client) => runningWorkloads(settings, client)),
  pause: (settings, workload, context) => acted(pauseWorkload, settings, workload, context),
  resume: (settings, workload, context) => acted(resumeWorkload, settings, workload, context),
  check: checkPlatform,
  inside: { reach: kubernetesReach, find: findPlace },
}

function acted(
  act: typeof pauseWorkload,
  settings: KubernetesSettings,
  workload: string,
  context: Context,
): Promise<void> {
  const { limitSeconds } = settings
  return withCluster(settings, context, (client) => act(workload, { client, context, limitSeconds }))
}
