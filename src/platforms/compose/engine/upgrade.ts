import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { Failure, toFailure } from '../../../core/failure.ts'
import type { EngineAccess } from './access.ts'
import { refusal } from './failures.ts'

export interface Upgraded {
  /** Not read yet: what came with the answer is in front. */
  readonly socket: Socket
}

interface UpgradeRequest {
  readonly access: EngineAccess
  readonly path: string
  readonly act: string
  readonly body: string
  /** Milliseconds until the answer. */
  readonly limit: number
}

const LONGEST_REFUSAL = 65_536

/** A connection of its own that became a stream of bytes both ways; half of it can be closed. */
export function upgraded({ access, path, act, body, limit }: UpgradeRequest, signal: AbortSignal): Promise<Upgraded> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'holdfast',
    connection: 'Upgrade',
    upgrade: 'tcp',
  }
  const options = { ...connectionOf(access), method: 'POST', path, headers, agent: false, timeout: limit } as const
  return new Promise((resolve, reject) => {
    const sent = access.address.startsWith('https:') ? https.request(options) : http.request(options)
    const stop = (): void => void sent.destroy(new Failure('cancelled', 'cancelled', { cause: signal.reason }))
    const done = (): void => signal.removeEventListener('abort', stop)
    signal.addEventListener('abort', stop, { once: true })
    sent.on('timeout', () => sent.destroy(silent(act, limit)))
    sent.on('error', (error) => (done(), reject(error)))
    sent.on('upgrade', (_answer, socket, head) => {
      done()
      if (head.length > 0) socket.unshift(head)
      resolve({ socket: socket.setTimeout(0) })
    })
    const refuse = async (answer: http.IncomingMessage): Promise<void> => {
      const failure = await refusedBy(answer, act).catch(toFailure)
      done()
      reject(failure)
      sent.destroy()
    }
    sent.on('response', (answer) => void refuse(answer))
    sent.end(body)
  })
}

function connectionOf({ address, ca, tls }: EngineAccess): https.RequestOptions {
  if (address.startsWith('unix://')) return { socketPath: address.slice('unix://'.length), host: 'localhost' }
  const { hostname, port } = new URL(address)
  const host = hostname.replace(/^\[|\]$/g, '')
  const { certificate } = tls ?? {}
  const identity = certificate && { cert: certificate.certificate, key: certificate.key.reveal() }
  return { host, port: port || '80', ...(ca === undefined ? {} : { ca }), ...identity }
}

async function refusedBy(answer: http.IncomingMessage, act: string): Promise<Failure> {
  const status = answer.statusCode ?? 0
  let text = ''
  if (status >= 300)
    for await (const chunk of answer.setEncoding('utf8')) {
      text += String(chunk)
      if (text.length > LONGEST_REFUSAL) break
    }
  if (status >= 300) return refusal(status, jsonOf(text), act)
  return new Failure('unsupported', `container engine: to ${act} was answered without a stream`, {
    hint: 'A proxy before the engine has to pass Upgrade: tcp on.',
  })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function silent(act: string, limit: number): Failure {
  return new Failure('unreachable', `container engine: to ${act} was not answered within ${limit / 1000} s`, {
    hint: 'Check what the engine is busy with, then run this again.',
  })
}
