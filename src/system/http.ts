import { Readable } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import type { Dispatcher, Pool } from 'undici'
import { Failure } from '../core/failure.ts'
import type { Bytes } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { codeOf } from './files/errno.ts'
import { openProxyTunnel } from './open-proxy-tunnel.ts'

/** Where requests go, and how far they are waited for. */
export interface HttpServer {
  /** For messages: `openbao`. */
  readonly name: string
  /** `https://host:port`, `http://host:port`, or `unix:///path/of/a/socket`. A path after the port is not part of it. */
  readonly address: string
  /** Connections at once. */
  readonly connections: number
  /** Milliseconds without a sign of the server after which a request fails. */
  readonly silence: number
  /** The most bytes that an answer may have, where a request does not say. */
  readonly largest: number
  /** PEM. Those of the system when absent. */
  readonly ca?: string | undefined
  readonly tls?: TlsIdentity
  /** An HTTP proxy, `http://host:port`, for an address of https. */
  readonly proxy?: Secret | undefined
}

export interface TlsIdentity {
  /** The certificate of the server is not checked: whoever is in between reads everything. */
  readonly insecure: boolean
  /** The name in the certificate, where it is not that of the address. */
  readonly serverName: string | undefined
  /** Who we are. */
  readonly certificate: { readonly certificate: string; readonly key: Secret } | undefined
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With query, percent-encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | AsyncIterable<Uint8Array>
  readonly largest?: number
  readonly signal?: AbortSignal
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The head of an answer; the caller reads its body. */
export interface OpenAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Bytes
}

/** An answer that was read to its end. */
export interface TextAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly headers: Headers
  readonly text: string
}

const CLOSED = 'the connections were closed'

/**
 * Connections to one server, kept open between requests. One request at a time on each.
 * Redirects are not followed: they would carry the token elsewhere.
 */
export class HttpClient {
  readonly #server: HttpServer
  #pool: Promise<Pool> | undefined
  #isClosed = false

  constructor(server: HttpServer) {
    this.#server = server
  }

  /** The answer as soon as its head is there. */
  async open({ method, path, headers, body, signal }: HttpRequest): Promise<OpenAnswer> {
    const pool = await this.#opened()
    const answer = await pool.request({ method, path, headers, body: bodyOf(body), signal: signal ?? null })
    return { status: answer.statusCode, headers: answer.headers, body: answer.body }
  }

  /** Fails with `unsupported` when the answer is larger than it may be. */
  async text({ method, path, headers, body, largest, signal }: HttpRequest): Promise<TextAnswer> {
    const pool = await this.#opened()
    signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      const server = largest === undefined ? this.#server : { ...this.#server, largest }
      const handler = new TextHandler({ server, signal, resolve, reject })
      pool.dispatch({ method, path, headers, body: bodyOf(body) }, handler)
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
    this.#pool ??= import('undici').then((undici) => new undici.Pool(...poolOptions(this.#server)))
    return await this.#pool
  }
}

function poolOptions(server: HttpServer): ConstructorParameters<typeof Pool> {
  const { address, connections, silence, ca, tls, proxy } = server
  const limits = { headersTimeout: silence, bodyTimeout: silence }
  const common = { connections, pipelining: 1, allowH2: false, ...limits }
  const connect = {
    timeout: silence,
    ...(ca === undefined ? {} : { ca }),
    ...(tls === undefined ? {} : tlsOptions(tls)),
  }
  if (address.startsWith('unix://'))
    return ['http://localhost', { ...common, connect: { ...connect, socketPath: address.slice(7) } }]
  if (proxy !== undefined) return [new URL(address).origin, { ...common, connect: throughProxy(proxy, connect) }]
  return [new URL(address).origin, { ...common, connect }]
}

type Connector = Extract<Pool.Options['connect'], (...given: never[]) => unknown>

function throughProxy(proxy: Secret, { timeout, ...tls }: ConnectionOptions & { readonly timeout: number }): Connector {
  return ({ hostname, port }, done) => {
    const tunnel = { proxy, host: hostname, port: Number(port) || 443, tls, limit: timeout }
    openProxyTunnel(tunnel, (error, socket) =>
      socket === null ? done(error ?? new Error(CLOSED), null) : done(null, socket),
    )
  }
}

function tlsOptions({ insecure, serverName, certificate }: TlsIdentity) {
  return {
    rejectUnauthorized: !insecure,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key.reveal() }),
  }
}

interface Exchange {
  readonly server: HttpServer
  readonly signal: AbortSignal | undefined
  readonly resolve: (answer: TextAnswer) => void
  readonly reject: (error: Error) => void
}

/** Collects one answer; what the library offers for it makes a stream of each. */
class TextHandler implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange
  #controller: Dispatcher.DispatchController | undefined
  #chunks: Buffer[] = []
  #length = 0
  #status = 0
  #headers: Headers = {}

  constructor(exchange: Exchange) {
    this.#exchange = exchange
    exchange.signal?.addEventListener('abort', this.#abort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#chunks = []
    this.#length = 0
    if (this.#exchange.signal?.aborted === true) this.#abort()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { name, largest } = this.#exchange.server
    this.#length += chunk.length
    if (this.#length > largest)
      controller.abort(new Failure('unsupported', `${name} gave more than ${largest} bytes at once`))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#forget()
    const [first = NO_BYTES, ...more] = this.#chunks
    const text = (more.length === 0 ? first : Buffer.concat(this.#chunks)).toString('utf8')
    const retryAfter = this.#headers['retry-after']
    const asked = typeof retryAfter === 'string' ? retryAfter : undefined
    this.#exchange.resolve({ status: this.#status, retryAfter: asked, headers: this.#headers, text })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#forget()
    const isSilent = /^UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT$/.test(codeOf(error))
    const { server, reject } = this.#exchange
    reject(isSilent ? new Error(`silent for ${server.silence / 1000} s`, { cause: error }) : error)
  }

  /** A request that still waits for a connection is over for its caller, and is ended when its turn comes. */
  readonly #abort = (): void => {
    const reason = new Error('the request was cancelled', { cause: this.#exchange.signal?.reason })
    this.#exchange.reject(reason)
    this.#controller?.abort(reason)
  }

  #forget(): void {
    this.#exchange.signal?.removeEventListener('abort', this.#abort)
  }
}

function bodyOf(body: HttpRequest['body']): string | Readable | null {
  return body === undefined || typeof body === 'string' ? (body ?? null) : Readable.from(body, { objectMode: false })
}

const NO_BYTES = Buffer.alloc(0)
