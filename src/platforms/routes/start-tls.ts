import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls'
import { describe, Failure } from '../../core/failure.ts'
import { asksForTls } from './postgres-start.ts'

/** As `tls` of a component has it. */
export interface TunnelTls {
  /** `require`: encrypted to whoever answers. `verify-full`: only to who proves to be `serverName`. */
  readonly mode: 'require' | 'verify-full'
  /** Certificates of authorities in PEM; those of the system when absent. */
  readonly ca?: string | undefined
  /** The name in the server's certificate. */
  readonly serverName: string
  /** How the server is told to begin; `none`: it speaks TLS from the first byte. */
  readonly startTls: 'postgres' | 'none'
}

/**
 * TLS over a stream that was just opened. Fails with `unreachable` when the handshake does, and with `refused` when the
 * server speaks no TLS. An error of the stream is one of what is returned.
 */
export async function startTls(stream: Duplex, tls: TunnelTls): Promise<TLSSocket> {
  if (tls.startTls === 'postgres' && !(await asksForTls(stream)))
    throw new Failure('refused', `the server ${tls.serverName} does not speak TLS`, {
      hint: 'Turn on ssl in postgresql.conf, or write tls: disable: the connection inside the platform is then as safe as that.',
    })
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const secure = connect({
    socket: stream,
    rejectUnauthorized: tls.mode === 'verify-full',
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    // A name in the handshake must not be an address.
    ...(isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(tls.serverName, certificate),
    ALPNProtocols: tls.startTls === 'postgres' ? ['postgresql'] : [],
  })
  secure.allowHalfOpen = true
  stream.on('error', (error) => secure.destroy(error))
  stream.once('close', () => secure.destroy(stream.readableEnded ? undefined : cut(tls)))
  secure.on('error', reject)
  secure.once('secureConnect', () => resolve(secure))
  secure.once('close', () => {
    stream.destroy()
    reject(cut(tls))
  })
  return promise.catch((cause: unknown) => {
    if (cause instanceof Failure) throw cause
    throw new Failure('unreachable', `the TLS of ${tls.serverName} failed: ${describe(cause)}`, { cause, hint: HINT })
  })
}

function cut({ serverName }: TunnelTls): Failure {
  return new Failure('unreachable', `the connection to ${serverName} was cut`)
}

const HINT = 'Check the certificate of the server, its name, and tlsCa.'
