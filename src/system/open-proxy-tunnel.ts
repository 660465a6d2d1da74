import { request } from 'node:http'
import type { Socket } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Secret } from '../core/secret.ts'

export interface ProxyTunnel {
  /** `http://host:port`, with a user and password where it asks for them. */
  readonly proxy: Secret
  readonly host: string
  readonly port: number
  readonly tls: ConnectionOptions
  /** Milliseconds for the proxy to answer. */
  readonly limit: number
}

type Done = (error: Error | null, socket: TLSSocket | null) => void

/** TLS to a server through the CONNECT of a proxy, which sees none of it. */
export function openProxyTunnel({ proxy, host, port, tls, limit }: ProxyTunnel, done: Done): void {
  const { hostname, port: proxyPort, username, password } = new URL(proxy.reveal())
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const headers = username === '' ? {} : { 'proxy-authorization': `Basic ${login}` }
  const path = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const asked = request({ host: hostname, port: proxyPort || 80, method: 'CONNECT', path, headers, timeout: limit })
  asked.once('error', (error) => done(error, null))
  asked.once('timeout', () => asked.destroy(new Error(`the proxy was silent for ${limit / 1000} s`)))
  asked.once('response', ({ statusCode }) => done(new Error(`the proxy answered with ${statusCode}`), null))
  asked.once('connect', ({ statusCode = 0 }, socket) => {
    if (statusCode === 200) secure(socket, { servername: host, ...tls }, done)
    else {
      socket.destroy()
      done(new Error(`the proxy answered with ${statusCode}`), null)
    }
  })
  asked.end()
}

function secure(socket: Socket, options: ConnectionOptions, done: Done): void {
  socket.setTimeout(0)
  const secured = connect({ ...options, socket, ALPNProtocols: ['http/1.1'] })
  secured.once('secureConnect', () => {
    secured.removeAllListeners('error')
    done(null, secured)
  })
  secured.once('error', (error) => done(error, null))
}
