import { setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { describe, Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { Through } from '../../../platforms/through.ts'
import { HttpClient, type HttpRequest } from '../../../system/http.ts'
import { doubling, retry } from '../../../system/retry.ts'
import { failureOf, isForNow, reasonOf } from './answers.ts'
import type { Answer } from './answers.ts'
import { Freshness } from '../capture/freshness.ts'
import { parseJson } from './json.ts'
import { Limiter } from './limiter.ts'
import { Login } from './login.ts'
import type { Ask, Credentials } from './login.ts'

export interface ClientSettings {
  readonly address: string
  readonly namespace: string | undefined
  readonly ca: string | undefined
  readonly credentials: Credentials | undefined
  readonly workers: number
  readonly retryMilliseconds: number
  /** The way to the server, where `address` is a socket of our own. */
  readonly through?: Pick<Through, 'name' | 'lastFailure'> | undefined
}

export interface Call {
  /** `GET` when absent. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/v1/`, percent-encoded, with query. */
  readonly path: string
  readonly body?: unknown
  /** Statuses that are answers and no failures, besides 200 and 204. */
  readonly accept?: readonly number[]
  /** The most bytes that an answer may have; a larger one fails with `unsupported`. */
  readonly largest?: number
}

/** One server, one namespace, one login. */
export class Client {
  readonly #settings: ClientSettings
  readonly #context: Context
  readonly #http: HttpClient
  readonly #limiter: Limiter
  readonly #headers: Readonly<Record<string, string>>
  readonly #freshness = new Freshness()
  readonly #login: Login | undefined
  readonly #stop = (): void => this.#http.close()
  #isClosed = false

  constructor(settings: ClientSettings, context: Context) {
    // Who listens for it now would not hear of it any more.
    context.signal.throwIfAborted()
    this.#settings = settings
    this.#context = context
    const { address, workers } = settings
    this.#http = new HttpClient({ name: 'openbao', address, connections: workers, ca: caOf(settings.ca), ...LIMITS })
    this.#limiter = new Limiter(settings.workers)
    const { credentials, namespace } = settings
    this.#headers = {
      'X-Vault-Request': 'true',
      ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }),
    }
    if (credentials !== undefined) this.#login = new Login(credentials, (...asked) => this.#ask(...asked), context)
    setMaxListeners(0, context.signal)
    context.signal.addEventListener('abort', this.#stop, { once: true })
  }

  get namespace(): string | undefined {
    return this.#settings.namespace
  }

  get workers(): number {
    return this.#settings.workers
  }

  /** How long, in milliseconds, what the server cannot answer now is asked again. */
  get patience(): number {
    return this.#settings.retryMilliseconds
  }

  /** One request, repeated while the server cannot answer now. Fails unless the status is 200, 204 or accepted. */
  async call(call: Call): Promise<Answer> {
    const answer = await this.#untilAnswered(call)
    if (isExpected(answer.status, call) && !isWithoutRoute(answer)) return answer
    throw answer.status === 403 ? await this.#deniedFailure(answer, call) : failureOf(answer, actOf(call))
  }

  /** Whether it answers something else now. Then status 500, after all patience, is about what was asked for. */
  async isWell(): Promise<boolean> {
    const { failure, answer } = await this.#try({ path: 'auth/token/lookup-self' })
    return failure === undefined && (answer.status === 200 || answer.status === 403)
  }

  /** The body of an answer, parsed by this schema. */
  async get<Value>(path: string, schema: z.ZodType<Value>): Promise<Value> {
    return parseAnswer(await this.call({ path }), schema, `GET ${path}`)
  }

  /** The raw bytes of an answer; `trailing` checks are the caller's, as the server sends no length. */
  async *stream(path: string): Bytes {
    const answer = await this.#opened(path)
    try {
      yield* answer
    } catch (error) {
      if (error instanceof Failure || this.#context.signal.aborted) throw this.#brokenFailure(error, { path })
      const what = `openbao at ${this.#settings.through?.name ?? this.#settings.address}: GET ${path}: the answer broke off: ${describe(error)}`
      throw new Failure('unreachable', what, { cause: error, hint: BROKE_OFF })
    }
  }

  /** Repeated while the server cannot answer now; once it began, the bytes go by and it is not. */
  #opened(path: string): Promise<Bytes> {
    return this.#patiently(this.patience, async (again) => {
      const answer = await this.#tryOpen(path)
      if (!(answer instanceof Failure)) return answer
      throw answer.kind === 'unreachable' ? again(answer) : answer
    })
  }

  async #tryOpen(path: string): Promise<Bytes | Failure> {
    try {
      const { status, body } = await this.#http.open(await this.#requestOf({ path }))
      return status === 200 ? body : failureOf(await readAnswer(status, body), `GET ${path}`)
    } catch (error) {
      return this.#brokenFailure(error, { path })
    }
  }

  /** Sends bytes; not repeated, as they can be read only once. */
  async send(path: string, body: Bytes): Promise<Answer> {
    const { headers } = await this.#requestOf({ path })
    const { status, text } = await this.#http.text({ method: 'POST', path: `/v1/${path}`, headers, body })
    return { status, body: jsonOf(text) }
  }

  /** What is still asked is not asked again: a later write would come as from the dead. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#context.signal.removeEventListener('abort', this.#stop)
    if (!this.#context.signal.aborted) await this.#login?.close()
    this.#http.close()
  }

  #untilAnswered(call: Call): Promise<Answer> {
    return this.#patiently(this.patience, async (again) => {
      const { answer, retryAfter, failure } = await this.#limiter.run(() => this.#try(call))
      if (failure === undefined && (isExpected(answer.status, call) || !isForNow(answer))) return answer
      throw again(failure ?? failureOf(answer, actOf(call)), retryAfter)
    })
  }

  /** Makes an attempt again that threw what `again` gave, for so many milliseconds, and until this is closed. */
  #patiently<Result>(limit: number, attempt: (again: Again) => Promise<Result>): Promise<Result> {
    let [passing, asked]: [unknown, number] = [undefined, 0]
    const again: Again = (failure, retryAfter) => {
      ;[passing, asked] = [failure, Math.min(Number(retryAfter) * 1000, LONGEST_ASKED)]
      return failure
    }
    return retry(() => attempt(again), {
      ...this.#context,
      limit,
      pause: (failed) => (asked > 0 ? asked : pauseAfter(failed)),
      mayRetry: (error) => error === passing && !this.#isClosed,
    })
  }

  async #try(call: Call): Promise<Tried> {
    try {
      const request = await this.#requestOf(call)
      let answer = await this.#http.text(request)
      const token = request.headers['X-Vault-Token']
      if (answer.status === 403 && token !== undefined && (await this.#login?.replace(token)) === true)
        answer = await this.#http.text(await this.#requestOf(call))
      this.#freshness.seen(request.method, answer.headers)
      const { status, retryAfter, text } = answer
      if (status === 429) this.#limiter.slower()
      else this.#limiter.calm()
      return { answer: { status, body: jsonOf(text), length: text.length }, retryAfter, failure: undefined }
    } catch (error) {
      if (error instanceof Failure) throw error
      return { answer: NOTHING, retryAfter: undefined, failure: this.#brokenFailure(error, call) }
    }
  }

  async #requestOf(call: Call): Promise<HttpRequest> {
    return this.#withHeaders(call, await this.#login?.token())
  }

  #withHeaders({ method = 'GET', path, body, largest }: Call, token: string | undefined): HttpRequest {
    const headers = {
      ...this.#headers,
      ...this.#freshness.headers(),
      ...(token === undefined ? {} : { 'X-Vault-Token': token }),
    }
    const request = { method, path: `/v1/${path}`, headers, ...(largest === undefined ? {} : { largest }) }
    return body === undefined ? request : { ...request, body: JSON.stringify(body) }
  }

  /** For the login: repeated like everything else, but never with a login of its own. */
  #ask(...[path, body, token, patience]: Parameters<Ask>): Promise<unknown> {
    const call: Call = { method: body === undefined ? 'GET' : 'POST', path, body }
    return this.#patiently(patience === 'once' ? 0 : this.patience, async (again) => {
      const answer = await this.#askOnce(call, token)
      if (answer instanceof Failure) throw answer.kind === 'unreachable' ? again(answer) : answer
      if (answer.status === 200 || answer.status === 204) return answer.body
      const failure = loginFailure(answer, path)
      throw isForNow(answer) ? again(failure) : failure
    })
  }

  async #askOnce(call: Call, token: string | undefined): Promise<Answer | Failure> {
    try {
      const { status, text } = await this.#http.text(this.#withHeaders(call, token))
      return { status, body: jsonOf(text) }
    } catch (error) {
      return this.#brokenFailure(error, call)
    }
  }

  /** A token that is no longer valid and a missing right are both 403; they need different hands. */
  async #deniedFailure(answer: Answer, call: Call): Promise<Failure> {
    const self = await this.#try({ path: 'auth/token/lookup-self' })
    if (self.failure !== undefined || self.answer.status !== 403) return failureOf(answer, actOf(call))
    const whose = this.#login?.origin ?? 'the token'
    return new Failure('denied', `openbao: ${actOf(call)}: ${whose} is not valid, or no longer`, {
      hint: 'Give another token; one that is renewed by itself comes from appRole or kubernetes.',
      facts: { status: 403, login: 'invalid' },
    })
  }

  #brokenFailure(error: unknown, call: Pick<Call, 'method' | 'path'>): Failure {
    if (error instanceof Failure) return error
    if (this.#context.signal.aborted)
      return new Failure('cancelled', 'cancelled while waiting for openbao', { cause: error })
    const { address, through } = this.#settings
    const why = describe(through?.lastFailure() ?? error)
    const where = through?.name ?? address
    return new Failure('unreachable', `openbao at ${where} cannot be reached: ${actOf(call)}: ${why}`, {
      cause: error,
      hint: 'Check that the server runs and that address and ca are right.',
    })
  }
}

const LIMITS = { silence: 60_000, largest: 256 * 1024 * 1024 }

export function caOf(file: string | undefined): string | undefined {
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

/** Marks a failure as one that may pass, with the seconds that the server asks to wait for; gives it back. */
type Again = (failure: Failure, retryAfter?: string) => Failure

/** Longer every time, and the same for every client. */
const pauseAfter = doubling(100, 5000)
const LONGEST_ASKED = 10_000

interface Tried {
  readonly answer: Answer
  readonly retryAfter: string | undefined
  readonly failure: Failure | undefined
}

/** For people: what a stream that ended too early comes from. */
export const BROKE_OFF =
  'Look at the log of the server, and at limits of time or size of a proxy before it; then run this again.'

const NOTHING: Answer = { status: 0, body: undefined }

function isExpected(status: number, { accept = [] }: Call): boolean {
  return status === 200 || status === 204 || accept.includes(status)
}

/** The server lists a mount that it cannot open, as one whose plugin is missing: it is not empty. */
function isWithoutRoute(answer: Answer): boolean {
  return answer.status === 404 && reasonOf(answer).startsWith('no handler for route')
}

function actOf({ method = 'GET', path }: Pick<Call, 'method' | 'path'>): string {
  return `${method} ${path.replace(/\?.*$/, '')}`
}

function loginFailure(answer: Answer, path: string): Failure {
  if (answer.status !== 400 && answer.status !== 403) return failureOf(answer, path)
  return new Failure('denied', `openbao: ${path}: the login was refused: ${reasonOf(answer)}`, {
    facts: { status: answer.status },
  })
}

async function readAnswer(status: number, body: Bytes): Promise<Answer> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) text = (text + decoder.decode(chunk, { stream: true })).slice(0, 65_536)
  return { status, body: jsonOf(text) }
}

function jsonOf(text: string): unknown {
  if (text === '') return undefined
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/** An answer of a server that speaks another dialect than the one this is written for is `unsupported`. */
export function parseAnswer<Value>({ body }: Answer, schema: z.ZodType<Value>, act: string): Value {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Failure(
    'unsupported',
    `openbao: ${act}: the answer is not understood: ${issue?.path.join('.')}: ${issue?.message}`,
    {
      hint: 'Holdfast is tested with OpenBao 2.7 and Vault 1.21.',
    },
  )
}
