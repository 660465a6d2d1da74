import { Duplex } from 'node:stream'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { ClusterAccess } from '../access.ts'
import { openChannels, type ChannelLimits, type ChannelSocket } from './channel-socket.ts'

export interface ForwardTarget {
  readonly namespace: string
  readonly pod: string
  readonly port: number
}

const PROTOCOL = 'v4.channel.k8s.io'
const [DATA, ERROR] = [0, 1]
const PORT_BYTES = 2
const SHOWN = 600
/** Milliseconds without data after our end, in which the far side may end too. */
const LINGER = 5_000

/**
 * One connection to a port of a pod, by the API server. It ends when the far side ends, and with an error when it was cut or
 * could not be joined. There is no half-close: after our end the far side has some seconds of silence to end too, then
 * the connection is closed, so that no session of a dead client stays.
 */
export async function forwardTo(
  access: ClusterAccess,
  target: ForwardTarget,
  context: Context,
  limits?: ChannelLimits,
): Promise<Duplex> {
  const { namespace, pod, port } = target
  const stream = new ForwardedStream(`reach port ${port} of pod ${namespace}/${pod}`)
  const [inNamespace, name] = [encodeURIComponent(namespace), encodeURIComponent(pod)]
  const request = {
    path: `/api/v1/namespaces/${inNamespace}/pods/${name}/portforward?ports=${port}`,
    protocols: [PROTOCOL],
    act: stream.act,
    right: { verb: 'get and create', resource: 'pods/portforward', namespace },
    onData: stream.onData,
    onClose: stream.onClose,
  }
  stream.channels = await openChannels(access, request, context, limits)
  return stream
}

class ForwardedStream extends Duplex {
  readonly act: string
  channels: ChannelSocket | undefined
  /** The first two bytes of each channel are the number of the port. */
  readonly #headBytes = [PORT_BYTES, PORT_BYTES]
  #linger: NodeJS.Timeout | undefined

  constructor(act: string) {
    super({ allowHalfOpen: false })
    this.act = act
    this.on('error', () => undefined)
  }

  readonly onData = (channel: number, whole: Buffer): void => {
    const head = Math.min(this.#headBytes[channel] ?? 0, whole.length)
    this.#headBytes[channel] = (this.#headBytes[channel] ?? 0) - head
    const data = whole.subarray(head)
    this.#linger?.refresh()
    if (data.length === 0 || this.destroyed) return
    if (channel === ERROR) this.destroy(this.#refused(data.toString('utf8')))
    else if (channel === DATA && !this.push(data)) this.channels?.hold()
  }

  readonly onClose = (failure: Failure | undefined): void => {
    if (failure === undefined) this.push(null)
    else this.destroy(failure)
  }

  override _read(): void {
    this.channels?.release()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.channels === undefined) done(new Failure('bug', 'a forwarded stream was written before it was opened'))
    else this.channels.send(DATA, chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    const late = (): void => {
      if (this.channels?.isHeld === true) this.#linger?.refresh()
      else this.destroy(this.#refused('the far side did not end after us'))
    }
    if (!this.readableEnded) this.#linger = setTimeout(late, LINGER)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#linger)
    this.channels?.close()
    done(error)
  }

  #refused(text: string): Failure {
    const why = text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, SHOWN)
    return new Failure('unreachable', `kubernetes: to ${this.act} failed: ${why}`, {
      hint: 'Check that the server listens on this port in the pod, on 127.0.0.1 or on all addresses.',
    })
  }
}
