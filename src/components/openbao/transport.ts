import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { Failure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'

/** Where requests go. */
export interface Endpoint {
  readonly address: string
  readonly ca: string | undefined
  /** Connections at once. */
  readonly connections: number
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With query, percent-encoded, from `/v1/` on. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | AsyncIterable<Uint8Array>
  /** The most bytes that an answer may have; 256 MiB when absent. */
  readonly largest?: number
}

/** An answer that was read to its end. */
export interface TextAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

const SILENCE_LIMIT = 60_000
const CLOSED = 'the connections were closed'
const LARGEST_ANSWER = 256 * 1024 * 1024

/** Connections to one server, kept open between requests. One request at a time on each. */
export class Transport {
  readonly #endpoint: Endpoint
  readonly #ca: string | undefined
  #pool: Promise<Pool> | undefined
  #isClosed = false

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint
    this.#ca = caOf(endpoint.ca)
  }

  /** The answer as soon as its head is there; the caller reads its body. Redirects are not followed: they would carry the token elsewhere. */
  async open({ method, path, headers, body }: Request): Promise<{ readonly status: number; readonly body: Bytes }> {
    const pool = await this.#opened()
    const answer = await pool.request({ method, path, headers, body: bodyOf(body) })
    return { status: answer.statusCode, body: answer.body }
  }

  /** Fails with `unsupported` when the answer is larger than it may be. */
  async text({ method, path, headers, body, largest = LARGEST_ANSWER }: Request): Promise<TextAnswer> {
    const pool = await this.#opened()
    return new Promise((resolve, reject) => {
      pool.dispatch({ method, path, headers, body: bodyOf(body) }, new TextHandler(largest, resolve, reject))
    })
  }

  /** Ends every request in flight. */
  close(): void {
    this.#isClosed = true
    this.#pool?.then((pool) => pool.destroy(new Error(CLOSED))).catch(() => undefined)
  }

  /** Loaded when it is needed: commands that ask no server shall not wait for it. */
  async #opened(): Promise<Pool> {
    if (this.#isClosed) throw new Error(CLOSED)
    this.#pool ??= import('undici').then((undici) => new undici.Pool(...this.#poolOptions()))
    return await this.#pool
  }

  #poolOptions(): ConstructorParameters<typeof Pool> {
    const { address, connections } = this.#endpoint
    const limits = { headersTimeout: SILENCE_LIMIT, bodyTimeout: SILENCE_LIMIT, connect: { timeout: SILENCE_LIMIT } }
    const common = { connections, pipelining: 1, allowH2: false, ...limits }
    if (address.startsWith('unix://'))
      return ['http://localhost', { ...common, connect: { ...limits.connect, socketPath: address.slice(7) } }]
    const connect = this.#ca === undefined ? limits.connect : { ...limits.connect, ca: this.#ca }
    return [new URL(address).origin, { ...common, connect }]
  }
}

/** Collects one answer; what the library offers for it makes a stream of each. */
class TextHandler implements Dispatcher.DispatchHandler {
  readonly #largest: number
  readonly #resolve: (answer: TextAnswer) => void
  readonly #reject: (error: Error) => void
  #chunks: Buffer[] = []
  #length = 0
  #status = 0
  #headers: TextAnswer['headers'] = {}

  constructor(largest: number, resolve: (answer: TextAnswer) => void, reject: (error: Error) => void) {
    this.#largest = largest
    this.#resolve = resolve
    this.#reject = reject
  }

  onRequestStart(): void {
    this.#chunks = []
    this.#length = 0
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    if (this.#length > this.#largest)
      controller.abort(new Failure('unsupported', `openbao gave more than ${this.#largest} bytes at once`))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const [first = NO_BYTES, ...more] = this.#chunks
    const text = (more.length === 0 ? first : Buffer.concat(this.#chunks)).toString('utf8')
    const retryAfter = this.#headers['retry-after']
    const asked = typeof retryAfter === 'string' ? retryAfter : undefined
    this.#resolve({ status: this.#status, retryAfter: asked, headers: this.#headers, text })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error)
  }
}

function bodyOf(body: Request['body']): string | Readable | null {
  return body === undefined || typeof body === 'string' ? (body ?? null) : Readable.from(body, { objectMode: false })
}

const NO_BYTES = Buffer.alloc(0)

function caOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Failure('usage', `the CA certificates ${file} cannot be read`, {
      cause,
      hint: 'Correct ca in the configuration.',
    })
  }
}
