import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import type { SecretReference } from '../../../system/secret-reference.ts'
import type { AppRole, Kubernetes } from '../schema.ts'

/** How a client proves who it is. Exactly one. */
export type Credentials =
  | { readonly type: 'token'; readonly token: SecretReference | Secret }
  | { readonly type: 'appRole'; readonly appRole: AppRole }
  | { readonly type: 'kubernetes'; readonly kubernetes: Kubernetes }

/** Posts this body, or gets when there is none, with this token or none; gives what comes back, and fails as every request does. */
export type Ask = (path: string, body: unknown, token: string | undefined, patience?: 'once') => Promise<unknown>

/** After this long a token from a file or variable is read again. */
const REREAD_AFTER = 10_000
/** And this soon again when it could not be: whoever replaces a file may be in the middle of it. */
const REREAD_SOON = 1000
/** A renewal that gives less than this part of the first lease is near the longest life: log in anew. */
const NEAR_THE_END = 0.5

/** What can be sent as a token at all; a client library refuses the rest without a word of where it came from. */
const HEADER_VALUE = /^[\x21-\x7e]+$/

const loginBody = z.object({
  auth: z.object({
    client_token: z.string().min(1),
    lease_duration: z.number(),
    renewable: z.boolean(),
  }),
})
type Auth = z.infer<typeof loginBody>['auth']

interface Held {
  readonly token: string
  /** Of the monotonic clock. */
  readonly refreshAt: number
  readonly lease: number
  readonly renewable: boolean
}

/** Keeps a valid token at hand: reads, logs in, renews at two thirds of the lease, logs in anew near the longest life. */
export class Login {
  readonly #credentials: Credentials
  readonly #ask: Ask
  readonly #context: Context
  #held: Held | undefined
  #refreshing: Promise<Held> | undefined

  constructor(credentials: Credentials, ask: Ask, context: Context) {
    this.#credentials = credentials
    this.#ask = ask
    this.#context = context
  }

  /** For people: which token it is. */
  get origin(): string {
    const from = this.#credentials
    const isFile = from.type === 'token' && !(from.token instanceof Secret) && from.token.scheme === 'file'
    return isFile ? `the token of ${from.token.toString()}` : 'the token'
  }

  async token(): Promise<string> {
    const held = this.#held
    if (held !== undefined && this.#context.clock.monotonic() < held.refreshAt) return held.token
    return (await this.#once(() => this.#refresh(held))).token
  }

  /** Told that the server refused `token`: whether there is another one now, so that the request is worth repeating. */
  async replace(token: string): Promise<boolean> {
    if (this.#held !== undefined && this.#held.token !== token) return true
    if (this.#credentials.type === 'token') return (await this.#once(() => this.#anew())).token !== token
    // A missing right is no reason to log in: of each login a token stays at the server.
    if (await this.#isValid(token)) return false
    await this.#once(() => this.#anew())
    await this.#end(token)
    return true
  }

  /** Ends a token of our own making; one that was given to us stays. */
  async close(): Promise<void> {
    if (this.#held === undefined || this.#credentials.type === 'token') return
    await this.#end(this.#held.token)
    this.#held = undefined
  }

  async #end(token: string): Promise<void> {
    await this.#ask('auth/token/revoke-self', {}, token, 'once').catch(() => undefined)
  }

  async #isValid(token: string): Promise<boolean> {
    return await this.#ask('auth/token/lookup-self', undefined, token).then(
      () => true,
      (error: unknown) => !isFailure(error, 'denied'),
    )
  }

  async #once(act: () => Promise<Held>): Promise<Held> {
    this.#refreshing ??= act().finally(() => (this.#refreshing = undefined))
    this.#held = await this.#refreshing
    return this.#held
  }

  async #refresh(held: Held | undefined): Promise<Held> {
    if (held !== undefined && this.#credentials.type === 'token') return await this.#reread(held)
    if (held === undefined || !held.renewable) return await this.#anew()
    // Once: near the longest life the server says 500, and everybody waits meanwhile; a login is the way out.
    const renewed = await this.#ask('auth/token/renew-self', {}, held.token, 'once').then(
      (body) => loginBody.parse(body).auth,
      () => undefined,
    )
    if (renewed === undefined || renewed.lease_duration < held.lease * NEAR_THE_END) return await this.#anew()
    return { ...this.#heldFrom(renewed), lease: held.lease }
  }

  async #anew(): Promise<Held> {
    if (this.#credentials.type === 'token') return await this.#read(this.#credentials.token)
    const [path, body] = await loginRequest(this.#credentials)
    const parsed = loginBody.safeParse(await this.#ask(path, body, undefined).catch(refused(this.#credentials)))
    if (!parsed.success) throw new Failure('denied', `openbao: ${path} gave no token`)
    return this.#heldFrom(parsed.data.auth)
  }

  /** What cannot be read now is no reason to drop a token that may be valid; once the server refuses it, it is. */
  async #reread(held: Held): Promise<Held> {
    const refreshAt = this.#context.clock.monotonic() + REREAD_SOON
    return await this.#anew().catch(() => ({ ...held, refreshAt }))
  }

  async #read(reference: SecretReference | Secret): Promise<Held> {
    const token = (reference instanceof Secret ? reference : await reference.resolve()).reveal().trim()
    if (!HEADER_VALUE.test(token)) throw noToken(reference)
    return { token, refreshAt: this.#context.clock.monotonic() + REREAD_AFTER, lease: 0, renewable: false }
  }

  #heldFrom({ client_token, lease_duration, renewable }: Auth): Held {
    const lifetime = lease_duration === 0 ? Infinity : lease_duration * 1000
    const refreshAt = this.#context.clock.monotonic() + (lifetime * 2) / 3
    return { token: client_token, refreshAt, lease: lease_duration, renewable }
  }
}

function noToken(reference: SecretReference | Secret): Failure {
  const from = reference instanceof Secret || reference.scheme === 'literal' ? 'token' : reference.toString()
  return new Failure('usage', `openbao: ${from} holds no token but spaces, line breaks or other characters`, {
    hint: 'Write nothing but the token there; what renews it has to replace the whole file at once.',
  })
}

async function loginRequest(
  credentials: Exclude<Credentials, { readonly type: 'token' }>,
): Promise<readonly [string, unknown]> {
  if (credentials.type === 'appRole') {
    const { mount, roleId, secretId } = credentials.appRole
    const [role_id, secret_id] = [await roleId.resolve(), await secretId.resolve()]
    return [`auth/${mount}/login`, { role_id: role_id.reveal(), secret_id: secret_id.reveal() }]
  }
  const { mount, role, tokenFile } = credentials.kubernetes
  return [`auth/${mount}/login`, { role, jwt: await serviceAccountToken(tokenFile) }]
}

/** The server says little of why; what is wrong in practice is one of few things. */
function refused(credentials: Exclude<Credentials, { readonly type: 'token' }>): (error: unknown) => never {
  return (error) => {
    if (!isFailure(error, 'denied')) throw error
    const [what, hint] = aboutLogin(credentials)
    throw new Failure('denied', `${error.message}${what}`, { cause: error, facts: error.facts, hint })
  }
}

function aboutLogin(credentials: Exclude<Credentials, { readonly type: 'token' }>): readonly [string, string] {
  if (credentials.type === 'appRole') return ['', 'Check the role and its secret; a secret id can have run out.']
  const { role, tokenFile } = credentials.kubernetes
  return [
    ` (role ${role}, token of ${tokenFile})`,
    'Check that the service account still exists, that the role names it and its namespace, and that the audience of the token is that of the role. The log of the server says more, also when it could not ask the API server.',
  ]
}

async function serviceAccountToken(file: string): Promise<string> {
  const hint = 'Run Holdfast in a pod with a service account, or set tokenFile.'
  const token = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Failure('notFound', `the service account token ${file} cannot be read`, { cause, hint })
  })
  if (token.trim() === '') throw new Failure('usage', `the service account token ${file} is empty`, { hint })
  return token.trim()
}
