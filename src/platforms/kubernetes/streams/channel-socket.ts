import type { IncomingMessage } from 'node:http'
import type { WebSocket as Socket } from 'ws'
import { describe, Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { renewedAccess, type ClusterAccess } from '../access.ts'
import { answerOf } from '../answers.ts'
import { refuseUnlisted } from '../rights/allowed-writes.ts'
import { failureOfCall, type NeededRight } from '../rights/missing-right.ts'
import { socketOptions } from './socket-options.ts'

export interface ChannelRequest {
  /** With query, below the path of the server. */
  readonly path: string
  /** By preference. */
  readonly protocols: readonly string[]
  /** For messages: `start bash in pod app/db-0`. */
  readonly act: string
  readonly right: NeededRight
  onData(channel: number, data: Buffer): void
  /** Once, and after the last data. Undefined when the server closed it in order. */
  onClose(failure: Failure | undefined): void
}

/** Milliseconds. */
export interface ChannelLimits {
  readonly connect: number
  readonly ping: number
  /** Without a sign of the server, while we wait for it and sent nothing. */
  readonly silence: number
  /** The same after we sent something: a server whose program is slow to take it answers no ping. */
  readonly busy: number
}

const LIMITS: ChannelLimits = { connect: 30_000, ping: 10_000, silence: 30_000, busy: 300_000 }
/** A server refuses messages of more than 32 MiB; smaller ones interleave. */
const PIECE = 256 * 1024
const LARGEST = 16 * 1024 * 1024
const IN_ORDER = 1000

/**
 * One WebSocket of the API server that carries numbered channels, with the login of the cluster, which is read anew once
 * where it is over. Fails with `unreachable`, `denied` or `notFound`.
 * Nothing is buffered here: `hold` stops the reading of the socket.
 */
export async function openChannels(
  access: ClusterAccess,
  request: ChannelRequest,
  context: Context,
  limits: ChannelLimits = LIMITS,
): Promise<ChannelSocket> {
  refuseUnlisted({ method: 'CONNECT', path: request.path })
  try {
    return await openBy(access, request, context, limits)
  } catch (error) {
    const renewed = isLoginOver(error) ? await renewedAccess(access) : undefined
    if (renewed === undefined) throw error
    return await openBy(renewed, request, context, limits)
  }
}

function isLoginOver(error: unknown): boolean {
  return isFailure(error, 'denied') && error.facts['status'] === 401
}

async function openBy(
  access: ClusterAccess,
  request: ChannelRequest,
  context: Context,
  limits: ChannelLimits,
): Promise<ChannelSocket> {
  const { WebSocket } = await import('ws')
  const options = {
    ...(await socketOptions(access, limits.connect)),
    handshakeTimeout: limits.connect,
    maxPayload: LARGEST,
  }
  if (context.signal.aborted) throw cancelled(request)
  const address = `${access.server.replace(/^http/, 'ws')}${request.path}`
  const socket = new WebSocket(address, [...request.protocols], { ...options, perMessageDeflate: false })
  const channels = new ChannelSocket(socket, request, context, limits)
  await opened(socket, access, request, context)
  return channels
}

export class ChannelSocket {
  readonly #socket: Socket
  readonly #request: ChannelRequest
  readonly #context: Context
  readonly #limits: ChannelLimits
  readonly #timer: NodeJS.Timeout
  #failure: Failure | undefined
  #lastSign: number
  #held = false
  #hasSent = false
  #isOpened = false

  constructor(socket: Socket, request: ChannelRequest, context: Context, limits: ChannelLimits) {
    this.#socket = socket
    this.#request = request
    this.#context = context
    this.#limits = limits
    this.#lastSign = context.clock.monotonic()
    this.#timer = setInterval(() => this.#ping(), limits.ping)
    // What `ws` gives without other settings is a Buffer for each message.
    socket.on('message', (message) => this.#receive(message as Buffer))
    socket.once('open', () => (this.#isOpened = true))
    socket.on('pong', () => this.#sign())
    socket.on('error', (error) => (this.#failure ??= this.#unreachable(describe(error), error)))
    socket.once('close', (code) => this.#closed(code))
    context.signal.addEventListener('abort', this.#abort, { once: true })
  }

  /** What both sides agreed on. */
  get protocol(): string {
    return this.#socket.protocol
  }

  get isHeld(): boolean {
    return this.#held
  }

  /** `done` comes when the system took it all. */
  send(channel: number, data: Buffer, done: (error?: Error | null) => void): void {
    const [piece, rest] = [data.subarray(0, PIECE), data.subarray(PIECE)]
    const framed = Buffer.allocUnsafe(piece.length + 1)
    framed[0] = channel
    piece.copy(framed, 1)
    this.#hasSent = true
    this.#socket.send(framed, (error) => {
      if (error != null) done(this.#unreachable(describe(error), error))
      else if (rest.length === 0) done()
      else this.send(channel, rest, done)
    })
  }

  /** No more data until `release`. */
  hold(): void {
    if (this.#held) return
    this.#held = true
    this.#socket.pause()
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    this.#sign()
    this.#socket.resume()
  }

  /** Ends it from our side, at once. */
  close(): void {
    this.release()
    this.#socket.terminate()
  }

  /** Once all was said. */
  closeInOrder(): void {
    this.release()
    this.#socket.close(IN_ORDER)
  }

  readonly #abort = (): void => this.#end(cancelled(this.#request))

  #receive(message: Buffer): void {
    this.#sign()
    const channel = message[0]
    if (channel !== undefined) this.#request.onData(channel, message.subarray(1))
  }

  #sign(): void {
    this.#lastSign = this.#context.clock.monotonic()
    this.#hasSent = false
  }

  /** A socket that is not read brings no answer to a ping. */
  #ping(): void {
    if (this.#held || this.#socket.readyState !== this.#socket.OPEN) return
    const silence = this.#context.clock.monotonic() - this.#lastSign
    const limit = this.#hasSent ? this.#limits.busy : this.#limits.silence
    if (silence > limit) this.#end(this.#unreachable(`the API server was silent for ${Math.round(silence / 1000)} s`))
    else this.#socket.ping()
  }

  #end(failure: Failure): void {
    this.#failure ??= failure
    this.close()
  }

  #closed(code: number): void {
    clearInterval(this.#timer)
    this.#context.signal.removeEventListener('abort', this.#abort)
    // Who opens it is told by a rejection, and may open another.
    if (!this.#isOpened) return
    const cut = code === IN_ORDER ? undefined : this.#unreachable(`the connection was cut, code ${code}`)
    this.#request.onClose(this.#failure ?? cut)
  }

  #unreachable(why: string, cause?: unknown): Failure {
    return new Failure('unreachable', `kubernetes: to ${this.#request.act} failed: ${why}`, {
      cause,
      hint: 'Check the API server and the network, then run it again.',
    })
  }
}

function opened(socket: Socket, access: ClusterAccess, request: ChannelRequest, { signal }: Context): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', (cause) => reject(signal.aborted ? cancelled(request) : notOpened(cause, access, request)))
    socket.once('unexpected-response', (_asked, answer) => {
      refused(answer, request)
        .then(reject, reject)
        .finally(() => socket.terminate())
    })
  })
}

function notOpened(cause: Error, { server }: ClusterAccess, { act }: ChannelRequest): Failure {
  return new Failure('unreachable', `kubernetes: ${server} cannot be reached to ${act}: ${describe(cause)}`, {
    cause,
    hint: 'Check the address, the network, and the CA of the kubeconfig.',
  })
}

function cancelled({ act }: ChannelRequest): Failure {
  return new Failure('cancelled', `cancelled: to ${act}`)
}

/** The server answered, but opened no channels: its status says why. */
async function refused(answer: IncomingMessage, request: ChannelRequest): Promise<Failure> {
  let text = ''
  for await (const chunk of answer) if (text.length < 65_536) text += String(chunk)
  return failureOfCall(answerOf(answer.statusCode ?? 0, text), request.act, request.right)
}
