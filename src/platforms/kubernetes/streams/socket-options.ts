import type { ConnectionOptions } from 'node:tls'
import type { ClientOptions } from 'ws'
import type { Secret } from '../../../core/secret.ts'
import { openProxyTunnel } from '../../../system/open-proxy-tunnel.ts'
import type { ClusterAccess } from '../access.ts'

/** The login of a cluster as `ws` takes it: the same as that of the client. */
export async function socketOptions(access: ClusterAccess, limit: number): Promise<ClientOptions> {
  const token = await access.token?.()
  const tls = tlsOf(access)
  return {
    headers: {
      'user-agent': 'holdfast',
      ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
    },
    ...tls,
    ...(access.proxy === undefined ? {} : { createConnection: throughProxy(access, access.proxy, tls, limit) }),
  }
}

function tlsOf({ ca, insecure, serverName, certificate }: ClusterAccess) {
  return {
    rejectUnauthorized: !insecure,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key.reveal() }),
  }
}

/** Node takes a connection that comes later by a callback, which the types of `ws` do not know. */
function throughProxy(
  { server }: ClusterAccess,
  proxy: Secret,
  tls: ConnectionOptions,
  limit: number,
): NonNullable<ClientOptions['createConnection']> {
  const { hostname, port } = new URL(server)
  const target = { proxy, host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port) || 443, tls, limit }
  const connect = (_options: unknown, done: Parameters<typeof openProxyTunnel>[1]): void =>
    openProxyTunnel(target, done)
  return connect as unknown as NonNullable<ClientOptions['createConnection']>
}
