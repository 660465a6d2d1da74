import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { Failure } from '../../core/failure.ts'

/** Where requests go. */
export interface Endpoint {
  readonly address: string
  readonly ca: string | undefined
  /** Connections at once. */
  readonly connections: number
}

export interface Request {
  readonly method: string
  /** With query, percent-encoded, from `/v1/` on. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | AsyncIterable<Uint8Array>
}

const SILENCE_LIMIT = 60_000
const LARGEST_ANSWER = 256 * 1024 * 1024

/** Connections to one server, kept open between requests. */
export class Transport {
  readonly #agent: http.Agent
  readonly #origin: Readonly<Record<string, unknown>>
  readonly #request: typeof http.request

  constructor({ address, ca, connections }: Endpoint) {
    const options = { keepAlive: true, maxSockets: connections }
    const secure = address.startsWith('https:')
    this.#request = secure ? https.request : http.request
    this.#agent = secure ? new https.Agent({ ...options, ...caOf(ca) }) : new http.Agent(options)
    this.#origin = originOf(address)
  }

  /** The answer as soon as its head is there; the caller reads its body. Redirects are not followed: they would carry the token elsewhere. */
  open({ method, path, headers, body }: Request): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.#request(
        { ...this.#origin, agent: this.#agent, method, path, headers: { ...headers } },
        resolve,
      )
      request.setTimeout(SILENCE_LIMIT, () => request.destroy(new Error(`silent for ${SILENCE_LIMIT / 1000} s`)))
      request.on('error', reject)
      if (body === undefined || typeof body === 'string') request.end(body)
      else send(body, request).catch((error: unknown) => request.destroy(error instanceof Error ? error : undefined))
    })
  }

  async text(request: Request): Promise<{ readonly answer: http.IncomingMessage; readonly text: string }> {
    const answer = await this.open(request)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > LARGEST_ANSWER)
        throw new Failure('unsupported', `openbao gave more than ${LARGEST_ANSWER} bytes at once`)
      chunks.push(chunk)
    }
    return { answer, text: Buffer.concat(chunks).toString('utf8') }
  }

  /** Ends every request in flight. */
  close(): void {
    this.#agent.destroy()
  }
}

async function send(body: AsyncIterable<Uint8Array>, request: http.ClientRequest): Promise<void> {
  for await (const chunk of body)
    if (!request.write(chunk)) await new Promise((resolve) => request.once('drain', resolve).once('close', resolve))
  request.end()
}

function originOf(address: string): Readonly<Record<string, unknown>> {
  if (address.startsWith('unix://')) return { socketPath: address.slice('unix://'.length) }
  const { hostname, port, protocol } = new URL(address)
  return { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? undefined : port, protocol }
}

function caOf(file: string | undefined): { ca?: string } {
  if (file === undefined) return {}
  try {
    return { ca: readFileSync(file, 'utf8') }
  } catch (cause) {
    throw new Failure('usage', `the CA certificates ${file} cannot be read`, {
      cause,
      hint: 'Correct ca in the configuration.',
    })
  }
}
