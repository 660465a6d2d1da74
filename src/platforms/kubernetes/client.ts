import { z } from 'zod'
import { describe, Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { codeOf } from '../../system/files/errno.ts'
import { HttpClient, type TextAnswer } from '../../system/http.ts'
import { doubling, retry } from '../../system/retry.ts'
import { renewedAccess, type ClusterAccess } from './access.ts'
import { answerOf, failureOf } from './answers.ts'
import type { Answer } from './answers.ts'
import { failureOfCall, type NeededRight } from './rights/missing-right.ts'

/** Which objects: `/api/v1`, `namespaces/app/secrets`. */
export interface Resource {
  /** `/api/v1`, or `/apis/<group>/<version>`. */
  readonly api: string
  /** For messages: `Secret`. */
  readonly kind: string
  /** Plural, lower case. */
  readonly plural: string
  readonly namespace?: string
}

export interface CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** For messages: `read Secret app-keys`. */
  readonly act: string
  readonly body?: unknown
  readonly accept?: string
  readonly contentType?: string
  /** Named where it is missing. */
  readonly right?: NeededRight
  /** Statuses that are answers and no failures. */
  readonly expects?: readonly number[]
}

const JSON_TYPE = 'application/json'
const MERGE_PATCH = 'application/merge-patch+json'
const NAMES_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
/** The largest object is 1.5 MiB; a page of names is smaller. */
const LIMITS = { connections: 8, silence: 30_000, largest: 64 * 1024 * 1024 }
const pauseAfter = doubling(100, 5_000)
const PAGE = 200
const RESTARTS = 5
const page = z.object({
  metadata: z.object({ continue: z.string().optional() }),
  // Of nothing the server makes null.
  items: z.array(z.object({ metadata: z.object({ name: z.string() }) })).nullable(),
})

const wholePage = z.object({
  metadata: z.object({ continue: z.string().optional() }),
  items: z.array(z.unknown()).nullable(),
})

/** What Holdfast needs of the Kubernetes API: objects by name, names by label, and whether something is allowed. */
export class KubernetesClient {
  #access: ClusterAccess
  #http: HttpClient
  /** Of logins that were over; requests of others may still be in them. */
  readonly #former: HttpClient[] = []
  readonly #prefix: string
  readonly #context: Context
  readonly #retryMilliseconds: number
  readonly #refuse: (request: CallOptions) => void

  /** `refuse` fails where a request is not to be sent at all. */
  constructor(
    access: ClusterAccess,
    retrySeconds: number,
    context: Context,
    refuse: (request: CallOptions) => void = () => undefined,
  ) {
    this.#access = access
    this.#http = httpTo(access)
    this.#prefix = new URL(access.server).pathname.replace(/\/$/, '')
    this.#context = context
    this.#retryMilliseconds = retrySeconds * 1000
    this.#refuse = refuse
  }

  /** Another one after each login that was over. */
  get access(): ClusterAccess {
    return this.#access
  }

  /** Undefined when there is none of this name. */
  async get(resource: Resource, name: string): Promise<unknown> {
    const act = `read ${resource.kind} ${name}`
    const right = rightTo('get', resource)
    const path = pathOf(resource, name)
    const { status, body } = await this.call({ method: 'GET', path, act, right, expects: [404] })
    return status === 404 ? undefined : body
  }

  /** The names of all objects that a selector finds, sorted. Their contents are not transferred. */
  async names(resource: Resource, labelSelector: string): Promise<readonly string[]> {
    for (let restarts = 0; restarts < RESTARTS; restarts += 1) {
      const found = await this.#allPages(resource, labelSelector)
      if (found !== undefined) return found.toSorted()
    }
    throw failureOf({ status: 410, reason: 'Expired' }, `list ${resource.plural}`)
  }

  /** Undefined when the list ended in the middle: the server forgot the moment that the first page was of. */
  async #allPages(resource: Resource, labelSelector: string): Promise<string[] | undefined> {
    const names: string[] = []
    let next = ''
    do {
      const query = new URLSearchParams({
        labelSelector,
        limit: String(PAGE),
        ...(next === '' ? {} : { continue: next }),
      })
      const path = `${pathOf(resource)}?${query.toString()}`
      const act = `list ${resource.plural}`
      const answer = await this.call({ method: 'GET', path, act, accept: NAMES_ONLY, expects: [410] })
      if (answer.status === 410) return undefined
      const { metadata, items } = parsed(page, answer.body, act)
      names.push(...(items ?? []).map((item) => item.metadata.name))
      next = metadata.continue ?? ''
    } while (next !== '')
    return names
  }

  /** The objects that a selector finds, whole. */
  async list(resource: Resource, labelSelector: string): Promise<readonly unknown[]> {
    const act = `list ${resource.plural}`
    const items: unknown[] = []
    let next = ''
    do {
      const more: Record<string, string> = next === '' ? {} : { continue: next }
      const query = new URLSearchParams({ labelSelector, limit: String(PAGE), ...more })
      const path = `${pathOf(resource)}?${query.toString()}`
      const answer = await this.call({ method: 'GET', path, act, right: rightTo('list', resource) })
      const { metadata, items: found } = parsed(wholePage, answer.body, act)
      items.push(...(found ?? []))
      next = metadata.continue ?? ''
    } while (next !== '')
    return items
  }

  /**
   * A merge patch; with `metadata.resourceVersion` in it, only of the object as it was read.
   * False when it was changed since, or is gone.
   */
  async patch(resource: Resource, name: string, body: unknown): Promise<boolean> {
    const act = `change ${resource.kind} ${name}`
    const options = { path: pathOf(resource, name), contentType: MERGE_PATCH, right: rightTo('patch', resource) }
    const { status } = await this.call({ method: 'PATCH', ...options, act, body, expects: [404, 409] })
    return status < 400
  }

  /** False when there is one of this name already. */
  async create(resource: Resource, name: string, body: unknown, how?: DryRun): Promise<boolean> {
    const act = `create ${resource.kind} ${name}`
    const path = `${pathOf(resource)}${queryOf(how)}`
    const { status, reason } = await this.call({ method: 'POST', path, act, body, expects: [409] })
    if (status === 409 && reason !== 'AlreadyExists') throw failureOf({ status, reason }, act)
    return status !== 409
  }

  /** False when it was changed since `body` was read (by its `resourceVersion`), or is gone. */
  async replace(resource: Resource, name: string, body: unknown, how?: DryRun): Promise<boolean> {
    const act = `replace ${resource.kind} ${name}`
    const path = `${pathOf(resource, name)}${queryOf(how)}`
    const { status } = await this.call({ method: 'PUT', path, act, body, expects: [404, 409] })
    return status < 400
  }

  /** False when it is another one by now, or was changed. One that is gone already is removed. */
  async remove(resource: Resource, name: string, preconditions?: Preconditions, how?: DryRun): Promise<boolean> {
    const act = `delete ${resource.kind} ${name}`
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(preconditions === undefined ? {} : { preconditions }),
      // Here and not in the query, which the server passes over where there is a body: it would really delete.
      ...(how === undefined ? {} : { dryRun: ['All'] }),
    }
    const path = pathOf(resource, name)
    const { status } = await this.call({ method: 'DELETE', path, act, body, expects: [404, 409] })
    return status !== 409
  }

  /** Whether it answers something else now. Then a failure, after all patience, is about what was asked for. */
  async isWell(): Promise<boolean> {
    const { answer } = await this.#attempt({ method: 'GET', path: '/version', act: 'ask for the version' })
    return answer !== undefined
  }

  /** One request, repeated while the server cannot answer it now. */
  async call(options: CallOptions): Promise<Answer> {
    this.#refuse(options)
    let [passing, asked]: [unknown, number] = [undefined, 0]
    const once = async (): Promise<Answer> => {
      const { answer, failure, wait = 0 } = await this.#attempt(options)
      if (answer !== undefined) return answer
      ;[passing, asked] = [failure, wait * 1000]
      throw failure
    }
    return await retry(once, {
      ...this.#context,
      limit: this.#retryMilliseconds,
      pause: (failed) => Math.max(pauseAfter(failed), asked),
      // A server that asks for more than all our patience is not waited for.
      mayRetry: (error) => error === passing && asked <= this.#retryMilliseconds,
    })
  }

  async #attempt(options: CallOptions): Promise<Attempt> {
    const { act, right, expects = [] } = options
    this.#context.signal.throwIfAborted()
    try {
      const got = await this.#sendLoggedIn(options)
      const answer = answerOf(got.status, got.text)
      if (answer.status < 300 || expects.includes(answer.status)) return { answer }
      const failure = failureOfCall(answer, act, right)
      if (answer.status === 429 || answer.status >= 500) return { failure, wait: secondsOf(got.retryAfter) }
      throw failure
    } catch (error) {
      this.#context.signal.throwIfAborted()
      if (error instanceof Failure) throw error
      const failure = this.#unreachable(error, act)
      if (isUntrusted(error)) throw failure
      return { failure }
    }
  }

  /** A login that is over in the middle of a run is read anew, once. What was answered with 401 was not done. */
  async #sendLoggedIn(options: CallOptions): Promise<TextAnswer> {
    const used = this.#access
    const got = await this.#send(options)
    return got.status === 401 && (await this.#renew(used)) ? await this.#send(options) : got
  }

  /** False where no other login can be had. */
  async #renew(used: ClusterAccess): Promise<boolean> {
    const renewed = this.#access === used ? await renewedAccess(used) : this.#access
    if (renewed === undefined) return false
    // Of requests that were refused at once, the first to come back renews for all.
    if (this.#access === used) {
      this.#former.push(this.#http)
      this.#access = renewed
      this.#http = httpTo(renewed)
    }
    return true
  }

  async #send({ method, path, body, accept = JSON_TYPE, contentType = JSON_TYPE }: CallOptions): Promise<TextAnswer> {
    const token = await this.access.token?.()
    const headers = {
      accept,
      'user-agent': 'holdfast',
      ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
      ...(body === undefined ? {} : { 'content-type': contentType }),
    }
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    const { signal } = this.#context
    return await this.#http.text({ method, path: `${this.#prefix}${path}`, headers, signal, ...text })
  }

  #unreachable(cause: unknown, act: string): Failure {
    const message = `kubernetes: ${this.access.server} cannot be reached to ${act}: ${describe(cause)}`
    const hint = 'Check the address, the network, and the CA of the kubeconfig.'
    return new Failure('unreachable', message, { cause, hint })
  }

  close(): void {
    for (const http of [...this.#former, this.#http]) http.close()
  }
}

function httpTo(access: ClusterAccess): HttpClient {
  const { server, ca, proxy } = access
  return new HttpClient({ name: 'the API server', address: server, ca, tls: access, proxy, ...LIMITS })
}

function secondsOf(header: string | undefined): number | undefined {
  const seconds = Number(header)
  return header === undefined || !Number.isFinite(seconds) || seconds < 0 ? undefined : seconds
}

/** A certificate that is not trusted now will not be in a minute. */
function isUntrusted(error: unknown): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/.test(codeOf(error))
}

/** Asks for all that a change would meet, admission rules and quotas too, and changes nothing. */
export type DryRun = 'dry run'

function queryOf(how: DryRun | undefined): string {
  return how === undefined ? '' : '?dryRun=All'
}

export interface Preconditions {
  readonly uid: string
  readonly resourceVersion: string
}

type Attempt =
  | { readonly answer: Answer; readonly failure?: undefined; readonly wait?: undefined }
  | { readonly answer?: undefined; readonly failure: Failure; readonly wait?: number | undefined }

function rightTo(verb: string, { api, plural, namespace }: Resource): NeededRight {
  const group = /^\/apis\/([^/]+)\//.exec(api)?.[1]
  return { verb, resource: group === undefined ? plural : `${plural}.${group}`, namespace }
}

function pathOf({ api, plural, namespace }: Resource, name?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return `${api}${scope}/${plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
}

/** An answer of the shape that is expected. What it holds is never said. */
export function parsed<Shape extends z.ZodType>(shape: Shape, body: unknown, act: string): z.infer<Shape> {
  const result = shape.safeParse(body)
  if (result.success) return result.data
  const where = result.error.issues[0]?.path.join('.') ?? ''
  throw new Failure('unsupported', `kubernetes: to ${act} was answered in another shape, at ${where || 'its root'}`)
}
