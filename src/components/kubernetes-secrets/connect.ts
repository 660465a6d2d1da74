import type { Context } from '../../core/ports.ts'
import type { ClusterAccess } from '../../platforms/kubernetes/access.ts'
import { KubernetesClient } from '../../platforms/kubernetes/client.ts'
import { inClusterAccess } from '../../platforms/kubernetes/in-cluster.ts'
import { kubeconfigAccess } from '../../platforms/kubernetes/kubeconfig.ts'
import type { KubernetesSecretsSettings } from './schema.ts'

export type Purpose = 'capture' | 'restore'

/** A client for the time of `act`. */
export async function withClient<Result>(
  settings: KubernetesSecretsSettings,
  purpose: Purpose,
  context: Context,
  act: (client: KubernetesClient) => Promise<Result>,
): Promise<Result> {
  const client = new KubernetesClient(await accessOf(settings, purpose, context), settings.retrySeconds, context)
  try {
    return await act(client)
  } finally {
    client.close()
  }
}

function accessOf(settings: KubernetesSecretsSettings, purpose: Purpose, running: Context): Promise<ClusterAccess> {
  const { kubeconfig, context, restoreContext } = settings
  if (kubeconfig === undefined) return inClusterAccess()
  return kubeconfigAccess(kubeconfig, purpose === 'restore' ? (restoreContext ?? context) : context, running)
}
