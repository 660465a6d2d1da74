import type { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { HttpClient, type TextAnswer } from '../../../system/http.ts'
import { accessOf, type EngineAddress } from './access.ts'
import { notReached, refusal } from './failures.ts'
import { upgraded, type Upgraded } from './upgrade.ts'
import { versionFor } from './version.ts'

export interface EngineCall {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Without the version, with its query. */
  readonly path: string
  /** For messages: `stop container app-web-1`. */
  readonly act: string
  readonly body?: unknown
  /** Statuses that are answers and no failures. */
  readonly expects?: readonly number[]
  /** Milliseconds. */
  readonly limit?: number
}

export interface EngineAnswer {
  readonly status: number
  readonly body: unknown
}

const CALL_LIMIT = 30_000
/** The limit of each call is shorter, but for a stop that a container is given much time for. */
const SILENCE = 24 * 3_600_000
const LARGEST = 64 * 1024 * 1024

/** The API of a container engine (Docker's, or what Podman serves in its place). */
export class EngineClient {
  readonly address: EngineAddress
  readonly #limit: number
  #http: HttpClient | undefined
  #version: string | undefined

  /** `limit` in milliseconds, of calls that name none. */
  constructor(address: EngineAddress, limit = CALL_LIMIT) {
    this.address = address
    this.#limit = limit
  }

  /** One request. Fails with `unreachable` when it is not answered, and with the kind of its status. */
  async call(call: EngineCall, context: Context): Promise<EngineAnswer> {
    const { status, text } = await this.#send(await this.#versioned(call, context), context)
    const body = jsonOf(text)
    if (status < 300 || call.expects?.includes(status) === true) return { status, body }
    throw refusal(status, body, call.act)
  }

  /** The version that both sides know. Fails with `unsupported` when the engine is too old. */
  async version(context: Context): Promise<string> {
    this.#version ??= await this.#negotiated(context)
    return this.#version
  }

  /** A request whose connection becomes a stream of its own. */
  async upgrade(call: EngineCall, context: Context): Promise<Upgraded> {
    const { path, act, body, limit = this.#limit } = await this.#versioned(call, context)
    const access = await accessOf(this.address)
    try {
      return await upgraded({ access, path, act, body: JSON.stringify(body), limit }, context.signal)
    } catch (error) {
      throw await this.#notReached(error, act, context)
    }
  }

  close(): void {
    this.#http?.close()
  }

  async #versioned(call: EngineCall, context: Context): Promise<EngineCall> {
    return { ...call, path: `/v${await this.version(context)}${call.path}` }
  }

  async #negotiated(context: Context): Promise<string> {
    const act = 'ask for its version'
    const { status, text } = await this.#send({ method: 'GET', path: '/version', act }, context)
    if (status !== 200) throw refusal(status, jsonOf(text), act)
    return versionFor(jsonOf(text), act)
  }

  async #send({ method, path, act, body, limit = this.#limit }: EngineCall, context: Context): Promise<TextAnswer> {
    const timeout = AbortSignal.timeout(limit)
    const signal = AbortSignal.any([context.signal, timeout])
    const headers = { 'user-agent': 'holdfast', 'content-type': 'application/json' }
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    try {
      this.#http ??= await this.#opened()
      return await this.#http.text({ method, path, headers, signal, ...content })
    } catch (error) {
      if (timeout.aborted && !context.signal.aborted) throw silent(this.address.engine, act, limit, error)
      throw await this.#notReached(error, act, context)
    }
  }

  async #opened(): Promise<HttpClient> {
    const { address, ca, tls } = await accessOf(this.address)
    const limits = { connections: 4, silence: SILENCE, largest: LARGEST }
    return new HttpClient({
      name: 'the container engine',
      address,
      ca,
      ...(tls === undefined ? {} : { tls }),
      ...limits,
    })
  }

  async #notReached(error: unknown, act: string, { signal }: Context): Promise<Failure> {
    if (signal.aborted) return new Failure('cancelled', 'cancelled', { cause: error })
    return await notReached(this.address.engine, act, error)
  }
}

function silent(engine: string, act: string, limit: number, cause: unknown): Failure {
  const message = `container engine ${engine}: to ${act} was not answered within ${limit / 1000} s`
  return new Failure('unreachable', message, {
    cause,
    hint: 'Check what the engine is busy with, then run this again.',
  })
}

/** Runs `act` with connections of its own, and closes them. */
export async function withEngine<Result>(
  address: EngineAddress,
  act: (engine: EngineClient) => Promise<Result>,
): Promise<Result> {
  const engine = new EngineClient(address)
  try {
    return await act(engine)
  } finally {
    engine.close()
  }
}

/** JSON.parse quotes what it could not read, which may be a secret. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** An answer of the shape that is expected. What it holds is never said. */
export function parsed<Shape extends z.ZodType>(shape: Shape, body: unknown, act: string): z.infer<Shape> {
  const result = shape.safeParse(body)
  if (result.success) return result.data
  const where = result.error.issues[0]?.path.join('.') ?? ''
  throw new Failure(
    'unsupported',
    `container engine: to ${act} was answered in another shape, at ${where || 'its root'}`,
    {
      hint: 'Check that the address is that of a container engine.',
    },
  )
}
