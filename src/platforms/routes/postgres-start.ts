import type { Duplex } from 'node:stream'
import { Failure } from '../../core/failure.ts'

/** https://www.postgresql.org/docs/current/protocol-flow.html, SSL Session Encryption: length and code of an SSLRequest. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const YES = 'S'
const NO = 'N'

/**
 * Asks a PostgreSQL server, as the first thing on a connection, whether it speaks TLS. Fails with `unreachable` when what
 * answers is no such server or nobody does. The server waits for a handshake, or for a start without TLS, afterwards.
 */
export async function asksForTls(stream: Duplex): Promise<boolean> {
  stream.write(SSL_REQUEST)
  const answer = await firstBytes(stream)
  // More than one byte was put there by somebody in between, before anything is encrypted (CVE-2021-23222).
  if (answer.length === 1 && answer[0] === YES.charCodeAt(0)) return true
  if (answer.length === 1 && answer[0] === NO.charCodeAt(0)) return false
  throw new Failure('unreachable', 'what answers there is no PostgreSQL server')
}

/** A probe for `chooseRoute`. */
export async function probePostgres(stream: Duplex): Promise<void> {
  await asksForTls(stream)
}

function firstBytes(stream: Duplex): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const take = (): void => {
    const chunk: unknown = stream.read()
    if (chunk instanceof Buffer) finish(() => resolve(chunk))
  }
  const end = (): void => finish(() => reject(new Failure('unreachable', 'the connection ended without an answer')))
  const fail = (error: Error): void => finish(() => reject(error))
  const finish = (act: () => void): void => {
    stream.off('readable', take).off('end', end).off('error', fail).off('close', end)
    act()
  }
  stream.on('readable', take).on('end', end).on('error', fail).on('close', end)
  return promise
}
