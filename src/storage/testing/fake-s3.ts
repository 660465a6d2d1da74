import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Secret } from '../../core/secret.ts'
import type { S3Settings } from '../s3/settings.ts'

/** The requests that the fake knows, by what they are for. */
export type FakeCall = 'put' | 'get' | 'head' | 'delete' | 'list' | 'begin' | 'part' | 'complete' | 'abort'

/**
 * How a request goes wrong. `act` gets what a real server would do as `proceed`, which it may call before or not at
 * all, and then answers or breaks the connection itself.
 */
export type FakeFault = (exchange: FakeExchange) => void | Promise<void>

export interface FakeExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly fake: FakeS3
  /** Does what was asked and gives the answer without sending it. */
  readonly proceed: () => Answer
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

interface FakeObject {
  readonly bytes: Buffer
  readonly mark: string
}

/**
 * An S3 server that fails on request. It exists to give answers that a real server gives once a year; that our client
 * works with S3 at all is tested on a real one.
 */
export class FakeS3 {
  readonly objects = new Map<string, FakeObject>()
  readonly uploads = new Map<string, { readonly mark: string; readonly parts: Map<number, Buffer> }>()
  readonly calls: FakeCall[] = []
  readonly #faults: { readonly call: FakeCall; readonly fault: FakeFault }[] = []
  readonly #server = createServer((request, response) => void this.#serve(request, response))

  /** The next request of this kind goes wrong. */
  fail(call: FakeCall, fault: FakeFault): this {
    this.#faults.push({ call, fault })
    return this
  }

  get faultsLeft(): number {
    return this.#faults.length
  }

  async start(): Promise<S3Settings> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    // The address of a TCP server that listens is never null nor a path.
    const { port } = this.#server.address() as AddressInfo
    return {
      url: 's3://bucket',
      endpoint: `http://127.0.0.1:${port}`,
      accessKey: new Secret('key'),
      secretKey: new Secret('secret'),
      createOnly: true,
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url ?? '/', 'http://fake')
    const call = callOf(request.method ?? '', url)
    this.calls.push(call)
    const proceed = (): Answer => this.#answer(call, url, request, Buffer.concat(chunks))
    const index = this.#faults.findIndex((planned) => planned.call === call)
    if (index === -1) return send(response, proceed())
    await this.#faults.splice(index, 1)[0]!.fault({ request, response, fake: this, proceed })
  }

  #answer(call: FakeCall, url: URL, request: IncomingMessage, body: Buffer): Answer {
    const name = url.pathname.replace(/^\/bucket\//, '')
    const mark = String(request.headers['x-amz-meta-holdfast-put'] ?? '')
    const id = url.searchParams.get('uploadId') ?? ''
    switch (call) {
      case 'put':
        return this.#create(request, name, { bytes: body, mark })
      case 'head':
      case 'get':
        return this.#read(request, name)
      case 'delete':
        this.objects.delete(name)
        return { status: 204 }
      case 'list':
        return { status: 200, body: '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>' }
      case 'begin':
        this.uploads.set(`upload-${this.uploads.size}`, { mark, parts: new Map() })
        return {
          status: 200,
          body: `<InitiateMultipartUploadResult><UploadId>upload-${this.uploads.size - 1}</UploadId></InitiateMultipartUploadResult>`,
        }
      case 'part':
        this.uploads.get(id)?.parts.set(Number(url.searchParams.get('partNumber')), body)
        return { status: 200, headers: { ETag: tagOf(body) } }
      case 'complete':
        return this.#complete(request, name, id)
      case 'abort':
        return { status: this.uploads.delete(id) ? 204 : 404 }
      default:
        return call satisfies never
    }
  }

  #create(request: IncomingMessage, name: string, object: FakeObject): Answer {
    if (request.headers['if-none-match'] === '*' && this.objects.has(name))
      return errorAnswer(412, 'PreconditionFailed')
    this.objects.set(name, object)
    return { status: 200, headers: { ETag: tagOf(object.bytes) } }
  }

  #complete(request: IncomingMessage, name: string, id: string): Answer {
    const upload = this.uploads.get(id)
    if (upload === undefined) return errorAnswer(404, 'NoSuchUpload')
    const parts = [...upload.parts.entries()].sort(([one], [other]) => one - other).map(([, bytes]) => bytes)
    const created = this.#create(request, name, { bytes: Buffer.concat(parts), mark: upload.mark })
    if (created.status !== 200) return created
    this.uploads.delete(id)
    return {
      status: 200,
      body: `<CompleteMultipartUploadResult><ETag>${tagOf(Buffer.concat(parts))}</ETag></CompleteMultipartUploadResult>`,
    }
  }

  #read(request: IncomingMessage, name: string): Answer {
    const object = this.objects.get(name)
    if (object === undefined) return errorAnswer(404, 'NoSuchKey')
    const tag = tagOf(object.bytes)
    if (request.headers['if-match'] !== undefined && request.headers['if-match'] !== tag)
      return errorAnswer(412, 'PreconditionFailed')
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const end = to === undefined || to === '' ? object.bytes.length : Number(to) + 1
    const bytes = from === undefined ? object.bytes : object.bytes.subarray(Number(from), end)
    const headers = {
      ETag: tag,
      'Last-Modified': new Date().toUTCString(),
      'x-amz-meta-holdfast-put': object.mark,
      'Content-Length': String(bytes.length),
    }
    return { status: from === undefined ? 200 : 206, headers, body: bytes }
  }
}

function callOf(method: string, url: URL): FakeCall {
  const query = url.searchParams
  if (method === 'POST') return query.has('uploads') ? 'begin' : 'complete'
  if (method === 'PUT') return query.has('partNumber') ? 'part' : 'put'
  if (method === 'DELETE') return query.has('uploadId') ? 'abort' : 'delete'
  if (method === 'HEAD') return 'head'
  return query.has('list-type') ? 'list' : 'get'
}

function tagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

export function errorAnswer(status: number, code: string, message = 'as was asked for'): Answer {
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>` }
}

export function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, answer.headers)
  response.end(response.req.method === 'HEAD' ? undefined : answer.body)
}

/** Answers without doing anything. */
export const answering =
  (answer: Answer): FakeFault =>
  ({ response }) =>
    send(response, answer)

/** Does what was asked and breaks the connection in place of an answer. */
export const losingTheAnswer: FakeFault = ({ proceed, response }) => {
  proceed()
  response.destroy()
}

/** Breaks the connection and does nothing. */
export const breaking: FakeFault = ({ response }) => void response.destroy()

/** Does not answer at all. */
export const silent: FakeFault = () => undefined

/** Sends the head and so many bytes of the body, and then breaks the connection, or goes silent. */
export const stopping =
  (after: number, how: 'break' | 'silence'): FakeFault =>
  async ({ proceed, response }) => {
    const { status, headers, body } = proceed()
    response.writeHead(status, headers)
    await new Promise((resolve) => response.write(Buffer.from(body ?? '').subarray(0, after), resolve))
    if (how === 'break') setTimeout(() => response.destroy(), 20)
  }
