import { z } from 'zod'
import type { RestoreDestination } from '../capabilities/destination.ts'
import { kubernetesSecretsSettings, type KubernetesSecretsSettings } from './schema.ts'

const { namespace, restoreContext } = kubernetesSecretsSettings.shape

/** Another namespace. Of two namespaces with one name nobody can tell whether they are of one cluster. */
export const kubernetesDestination: RestoreDestination<KubernetesSecretsSettings> = {
  settings: z.strictObject({ namespace, restoreContext: restoreContext.unwrap() }).partial(),
  relation: (one, other) => {
    if (one.namespace !== other.namespace) return Promise.resolve('apart')
    return Promise.resolve(clusterOf(one) === clusterOf(other) ? 'same' : 'overlapping')
  },
}

/** How the settings name the cluster that a restore goes to. */
function clusterOf(settings: KubernetesSecretsSettings): string {
  return JSON.stringify([settings.kubeconfig, settings.restoreContext ?? settings.context])
}
