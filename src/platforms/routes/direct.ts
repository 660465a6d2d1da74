import { connect, type Socket } from 'node:net'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Address } from '../place.ts'
import { within } from './within.ts'

const CONNECT_LIMIT = 5000

/** A TCP connection of this host, which ends with the context's signal. Fails with `unreachable`. */
export function openDirect({ host, port }: Address, context: Context): Promise<Socket> {
  const name = `${host}:${port}`
  return within(CONNECT_LIMIT, name, context, ({ signal }) => dial({ host, port }, name, signal))
}

function dial(address: Address, name: string, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect({ ...address, allowHalfOpen: true, keepAlive: true, noDelay: true })
  const stop = (): void => void socket.destroy(new Failure('cancelled', 'cancelled', { cause: signal.reason }))
  signal.addEventListener('abort', stop, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', stop))
  // It stays: whoever joins the socket may come a moment later, and until then an error must not end the process.
  socket.on('error', (cause) => reject(failureOf(name, cause)))
  socket.once('connect', () => resolve(socket))
  return promise
}

function failureOf(name: string, cause: Error): Failure {
  if (cause instanceof Failure) return cause
  const code = 'code' in cause ? String(cause.code) : ''
  return new Failure('unreachable', `${name} cannot be reached: ${cause.message || code}`, { cause })
}
