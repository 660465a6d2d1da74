import https from 'node:https'
import { Failure } from '../../core/failure.ts'
import type { ClusterAccess } from './access.ts'

export interface HttpRequest {
  readonly method: string
  /** With query, percent-encoded. */
  readonly path: string
  readonly body?: string
  readonly accept: string
  readonly contentType: string
}

export interface HttpAnswer {
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  readonly text: string
}

const SILENCE_LIMIT = 30_000
/** The largest object is 1.5 MiB; a page of names is smaller. */
const LARGEST_ANSWER = 64 * 1024 * 1024

/** Connections to one API server, kept open between requests. */
export class Transport {
  readonly #access: ClusterAccess
  readonly #agent: https.Agent
  readonly #origin: URL

  constructor(access: ClusterAccess) {
    this.#access = access
    this.#origin = new URL(access.server)
    const { ca, insecure, serverName, certificate } = access
    this.#agent = new https.Agent({
      keepAlive: true,
      maxSockets: 8,
      rejectUnauthorized: !insecure,
      ...(ca === undefined ? {} : { ca }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key.reveal() }),
    })
  }

  /** Redirects are not followed: they would carry the token elsewhere. */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const token = await this.#access.token?.()
    const headers = {
      accept: request.accept,
      'user-agent': 'holdfast',
      ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
      ...(request.body === undefined
        ? {}
        : { 'content-type': request.contentType, 'content-length': Buffer.byteLength(request.body) }),
    }
    return await this.#exchange(request, headers, signal)
  }

  #exchange(
    { method, path, body }: HttpRequest,
    headers: Readonly<Record<string, string | number>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { hostname, port, pathname } = this.#origin
    const options = {
      agent: this.#agent,
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? 443 : Number(port),
      path: `${pathname.replace(/\/$/, '')}${path}`,
    }
    return new Promise((resolve, reject) => {
      const request = https.request({ ...options, method, headers, signal }, (answer) => {
        collect(answer).then(
          (text) =>
            resolve({
              status: answer.statusCode ?? 0,
              retryAfterSeconds: secondsOf(answer.headers['retry-after']),
              text,
            }),
          reject,
        )
      })
      request.setTimeout(SILENCE_LIMIT, () => request.destroy(new Error(`silent for ${SILENCE_LIMIT / 1000} s`)))
      request.on('error', reject)
      request.end(body)
    })
  }

  /** Ends every request in flight. */
  close(): void {
    this.#agent.destroy()
  }
}

async function collect(answer: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer) {
    length += chunk.length
    if (length > LARGEST_ANSWER)
      throw new Failure('unsupported', `the API server gave more than ${LARGEST_ANSWER} bytes at once`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function secondsOf(header: string | undefined): number | undefined {
  const seconds = Number(header)
  return header === undefined || !Number.isFinite(seconds) || seconds < 0 ? undefined : seconds
}
