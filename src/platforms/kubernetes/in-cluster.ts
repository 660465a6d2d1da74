import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../core/failure.ts'
import type { ClusterAccess } from './access.ts'
import { readText, readToken } from './access-files.ts'

/** Where Kubernetes puts the service account of a pod. */
const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'
/** The name that every cluster gives its own API server. */
const SERVER = 'https://kubernetes.default.svc'

/** The service account of the pod that we run in. Its token is changed by the kubelet, and read again for each request. */
export async function inClusterAccess(folder = FOLDER, server = SERVER): Promise<ClusterAccess> {
  const tokenFile = join(folder, 'token')
  if (!existsSync(tokenFile))
    throw new Failure('usage', 'no kubeconfig is configured, and this is no pod with a service account', {
      hint: 'Set kubeconfig to the absolute path of a kubeconfig file.',
    })
  return {
    server,
    context: 'in-cluster',
    ca: await readText(join(folder, 'ca.crt')),
    insecure: false,
    serverName: undefined,
    certificate: undefined,
    token: () => readToken(tokenFile),
    renew: () => inClusterAccess(folder, server),
    namespace: (await readText(join(folder, 'namespace'))).trim(),
  }
}
