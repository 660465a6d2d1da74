import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Habit, OddAnswer, OddCall, OddRequest } from './odd-s3-habits.ts'

/** An S3 server in memory that works, but for the habits it was given. It takes any keys. */
export interface OddS3 {
  readonly endpoint: string
  /** The keys of all objects. */
  keys(): string[]
  /** How many requests of this kind came. */
  count(call: OddCall): number
  stop(): Promise<void>
}

interface StoredObject {
  readonly bytes: Buffer
  readonly mark: string | undefined
  readonly modified: Date
}

export async function startOddS3(...habits: readonly Habit[]): Promise<OddS3> {
  const state = new State(habits)
  const server = createServer((request, response) => void serve(state, request, response))
  // What waits for "100 Continue" is read without being told to go on.
  server.on('checkContinue', (request, response) => void serve(state, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // The address of a TCP server that listens is never null nor a path.
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    keys: () => [...state.objects.keys()],
    count: (call) => state.calls.filter((each) => each === call).length,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function serve(state: State, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  // Node gives buffers for a request without an encoding.
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const url = new URL(incoming.url ?? '/', 'http://odd')
  const [, , ...rest] = url.pathname.split('/')
  const request: OddRequest = {
    call: callOf(incoming.method ?? '', url),
    key: decodeURIComponent(rest.join('/')),
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  }
  state.calls.push(request.call)
  const answer = state.answer(request)
  response.sendDate = answer.withoutDate !== true
  const body = Buffer.from(answer.body ?? '')
  const length = answer.withoutLength === true ? {} : { 'Content-Length': answer.length ?? body.length }
  response.writeHead(answer.status, { ...length, ...answer.headers })
  response.end(incoming.method === 'HEAD' ? undefined : body)
}

class State {
  readonly objects = new Map<string, StoredObject>()
  readonly uploads = new Map<string, { readonly mark: string | undefined; readonly parts: Map<number, Buffer> }>()
  readonly calls: OddCall[] = []
  readonly #habits: readonly Habit[]

  constructor(habits: readonly Habit[]) {
    this.#habits = habits
  }

  answer(asked: OddRequest): OddAnswer {
    let request = asked
    for (const { before } of this.#habits) {
      const changed = before?.(request, this.calls.filter((call) => call === request.call).length)
      if (changed === undefined) continue
      if ('status' in changed) return changed
      request = changed
    }
    return this.#habits.reduce((answer, { after }) => after?.(request, answer) ?? answer, this.#act(request))
  }

  #act(request: OddRequest): OddAnswer {
    const { call, key, query, body } = request
    const mark = header(request, 'x-amz-meta-holdfast-put')
    switch (call) {
      case 'put':
        return this.#create(request, body, mark) ?? { status: 200, headers: { ETag: tagOf(body) } }
      case 'get':
      case 'head':
        return this.#read(request)
      case 'delete':
        this.objects.delete(key)
        return { status: 204 }
      case 'list':
        return this.#list(query)
      case 'uploads':
        return xml('<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>')
      case 'begin':
      case 'part':
      case 'complete':
      case 'abort':
        return this.#upload(request, call, mark)
      default:
        return call satisfies never
    }
  }

  #upload(request: OddRequest, call: 'begin' | 'part' | 'complete' | 'abort', mark: string | undefined): OddAnswer {
    const { query, body } = request
    const id = query.get('uploadId') ?? `upload-${this.calls.length}`
    switch (call) {
      case 'begin':
        this.uploads.set(id, { mark, parts: new Map() })
        return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
      case 'part':
        this.uploads.get(id)?.parts.set(Number(query.get('partNumber')), body)
        return { status: 200, headers: { ETag: tagOf(body) } }
      case 'complete':
        return this.#complete(request)
      case 'abort':
        return { status: this.uploads.delete(id) ? 204 : 404 }
      default:
        return call satisfies never
    }
  }

  #create(request: OddRequest, bytes: Buffer, mark: string | undefined): OddAnswer | undefined {
    if (header(request, 'if-none-match') === '*' && this.objects.has(request.key))
      return oddError(412, 'PreconditionFailed')
    this.objects.set(request.key, { bytes, mark, modified: new Date() })
    return undefined
  }

  #complete(request: OddRequest): OddAnswer {
    const id = request.query.get('uploadId') ?? ''
    const upload = this.uploads.get(id)
    if (upload === undefined) return oddError(404, 'NoSuchUpload')
    const parts = [...upload.parts.entries()].sort(([one], [other]) => one - other).map(([, bytes]) => bytes)
    const refused = this.#create(request, Buffer.concat(parts), upload.mark)
    if (refused !== undefined) return refused
    this.uploads.delete(id)
    return xml(`<CompleteMultipartUploadResult><ETag>"of-${parts.length}"</ETag></CompleteMultipartUploadResult>`)
  }

  #read(request: OddRequest): OddAnswer {
    const object = this.objects.get(request.key)
    if (object === undefined) return request.call === 'head' ? { status: 404 } : oddError(404, 'NoSuchKey')
    const { bytes, mark, modified } = object
    const headers = {
      ETag: tagOf(bytes),
      'Last-Modified': modified.toUTCString(),
      ...(mark === undefined ? {} : { 'x-amz-meta-holdfast-put': mark }),
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header(request, 'range') ?? '') ?? []
    if (from === undefined) return { status: 200, headers, body: bytes, length: bytes.length }
    const start = Number(from)
    if (start >= bytes.length) return oddError(416, 'InvalidRange')
    const end = to === undefined || to === '' ? bytes.length : Math.min(Number(to) + 1, bytes.length)
    const range = { 'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}` }
    return { status: 206, headers: { ...headers, ...range }, body: bytes.subarray(start, end) }
  }

  #list(query: URLSearchParams): OddAnswer {
    const prefix = query.get('prefix') ?? ''
    const sorted = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort()
    const keys = this.#habits.reduce((found, { order }) => order?.(found, prefix) ?? found, sorted)
    const most = Math.min(Number(query.get('max-keys') ?? 1000), 1000)
    const token = query.get('continuation-token')
    const after = query.get('start-after')
    const from = token === null ? keys.findIndex((key) => after === null || key > after) : Number(token)
    const page = from < 0 ? [] : keys.slice(from, from + most)
    const next = from + most < keys.length && from >= 0 ? String(from + most) : undefined
    const more = next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`
    return xml(
      `<ListBucketResult><Name>bucket</Name><KeyCount>${page.length}</KeyCount><IsTruncated>${next !== undefined}</IsTruncated>${page.map((key) => this.#entry(key)).join('')}${more}</ListBucketResult>`,
    )
  }

  #entry(key: string): string {
    const { bytes, modified } = this.objects.get(key)!
    return `<Contents><Key>${key}</Key><LastModified>${modified.toISOString()}</LastModified><Size>${bytes.length}</Size></Contents>`
  }
}

function callOf(method: string, url: URL): OddCall {
  const query = url.searchParams
  if (method === 'POST') return query.has('uploads') ? 'begin' : 'complete'
  if (method === 'PUT') return query.has('partNumber') ? 'part' : 'put'
  if (method === 'DELETE') return query.has('uploadId') ? 'abort' : 'delete'
  if (method === 'HEAD') return 'head'
  if (query.has('uploads')) return 'uploads'
  return query.has('list-type') ? 'list' : 'get'
}

function header({ headers }: OddRequest, name: string): string | undefined {
  return headers[name]?.toString()
}

function tagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

function xml(body: string): OddAnswer {
  return { status: 200, headers: { 'Content-Type': 'application/xml' }, body: `<?xml version="1.0"?>${body}` }
}

function oddError(status: number, code: string): OddAnswer {
  return { ...xml(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`), status }
}
