import type { Context } from '../../core/ports.ts'
import type { Inside, Platform } from '../platform.ts'
import type { ServerAddress } from '../server-address.ts'
import { asFindings, checkPlatform } from './check/check.ts'
import { checkReach } from './check/check-reach.ts'
import { accessTo, withCluster } from './connect.ts'
import { comeBackTo } from './pause/come-back.ts'
import { pauseWorkload, resumeWorkload } from './pause/pause.ts'
import { databaseOwners, refuseDatabase } from './pause/refuse-database.ts'
import { refuseServers } from './pause/refuse-server.ts'
import { runningWorkloads, selectedWorkloads } from './pause/running.ts'
import { nameOf } from './pause/workload-name.ts'
import { findPlace, wordsOf } from './place/find.ts'
import { spawnPod } from './place/spawn.ts'
import { spawnWithVolumes } from './place/spawn-volumes.ts'
import { roleText } from './rights/role-text.ts'
import { kubernetesReach, kubernetesSettings, type KubernetesReach, type KubernetesSettings } from './schema.ts'

type KubernetesPlatform = Platform<KubernetesSettings, KubernetesReach> & {
  readonly inside: Inside<KubernetesSettings, KubernetesReach>
}

/** Workloads are those of the cluster, and what would start them again. Their names are `<kind>/<namespace>/<name>`. */
export const kubernetesPlatform: KubernetesPlatform = {
  kind: 'kubernetes',
  settings: kubernetesSettings,
  identity: clusterNow,
  running: (settings, context) => withCluster(settings, context, (client) => runningWorkloads(settings, client)),
  comeBackTo: (settings, workloads, context) =>
    withCluster(settings, context, (client) => comeBackTo(workloads, { client, context })),
  pause: (settings, workload, context) => acted(pauseWorkload, settings, workload, context),
  resume: (settings, workload, context) => acted(resumeWorkload, settings, workload, context),
  protect: protectReaches,
  async check(settings, reaches, context, servers) {
    const found = [...(await checkPlatform(settings, reaches, context))]
    for (const reach of reaches) found.push(...(await checkReach(settings, reach, context)))
    const asked = asFindings('workloads', context, async () => {
      await protectReaches(settings, reaches, context, servers)
      return []
    })
    return [...found, ...(await asked)]
  },
  rights: (settings, reaches, purpose) => Promise.resolve(roleText(settings, reaches, purpose)),
  inside: { reach: kubernetesReach, describe, find: findPlace, spawn: spawnPod, spawnWithVolumes },
}

/** A kubeconfig names its current context itself, and whoever edits it switches. */
async function clusterNow(settings: KubernetesSettings, context: Context): Promise<string> {
  const { context: name, server } = await accessTo(settings, context)
  return `context ${name} at ${server}`
}

function describe({ namespace }: KubernetesSettings, reach: KubernetesReach): string {
  return `${reach.pod === undefined ? 'the pod ' : ''}${wordsOf(reach)} in namespace ${namespace}`
}

/** Whoever selects the workload of a database by mistake is told so before anything is stopped. */
async function protectReaches(
  settings: KubernetesSettings,
  reaches: readonly KubernetesReach[],
  context: Context,
  servers: readonly ServerAddress[] = [],
): Promise<void> {
  if (settings.pauses.length === 0) return
  const selected = await withCluster(settings, context, async (client) => {
    const all = await selectedWorkloads(settings, client)
    await refuseServers(all, servers, settings.namespace, { client, context })
    return all
  })
  const workloads = selected.map(({ workload }) => nameOf(workload))
  // Who writes to a folder is stopped while it is restored.
  const databases = reaches.filter(({ holds }) => holds === undefined)
  for (const reach of databases)
    refuseDatabase(workloads, await databaseOwners(settings, reach, context), wordsOf(reach))
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
