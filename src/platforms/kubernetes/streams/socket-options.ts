import type { ClientOptions } from 'ws'
import type { ClusterAccess } from '../access.ts'

/** The login of a cluster as `ws` takes it: the same as that of the client. */
export async function socketOptions(access: ClusterAccess): Promise<ClientOptions & { readonly servername?: string }> {
  const { ca, insecure, serverName, certificate } = access
  const token = await access.token?.()
  return {
    headers: {
      'user-agent': 'holdfast',
      ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
    },
    rejectUnauthorized: !insecure,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key.reveal() }),
  }
}
