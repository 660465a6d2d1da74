import type { Context } from '../../core/ports.ts'
import type { ClusterAccess } from './access.ts'
import { KubernetesClient } from './client.ts'
import { inClusterAccess } from './in-cluster.ts'
import { kubeconfigAccess } from './kubeconfig.ts'
import { refuseUnlisted } from './rights/allowed-writes.ts'
import type { KubernetesSettings } from './schema.ts'

const RETRY_SECONDS = 60

/** The login that the settings of a platform name. */
export function accessTo({ kubeconfig, context: name }: KubernetesSettings, context: Context): Promise<ClusterAccess> {
  return kubeconfig === undefined ? inClusterAccess() : kubeconfigAccess(kubeconfig, name, context)
}

/** A client for the time of `act`, which changes nothing but what `allowedWrites` lists. */
export async function withCluster<Result>(
  settings: KubernetesSettings,
  context: Context,
  act: (client: KubernetesClient) => Promise<Result>,
): Promise<Result> {
  const client = new KubernetesClient(await accessTo(settings, context), RETRY_SECONDS, context, refuseUnlisted)
  try {
    return await act(client)
  } finally {
    client.close()
  }
}
