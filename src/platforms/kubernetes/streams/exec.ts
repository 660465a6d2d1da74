import { Readable, Writable } from 'node:stream'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { RunningProgram } from '../../place.ts'
import type { ClusterAccess } from '../access.ts'
import { openChannels, type ChannelLimits, type ChannelSocket } from './channel-socket.ts'
import { exitOf } from './exec-status.ts'

/** One container of one pod, by name. */
export interface ExecTarget {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

/** A program that was asked for. Whether it really started is known with its first sign. */
export interface StartedProgram extends RunningProgram {
  /** Resolves with its first output or its end, whatever that is. */
  readonly firstSign: Promise<void>
}

type Argv = readonly [string, ...string[]]
const [STDIN, STDOUT, STDERR, STATUS, CLOSE] = [0, 1, 2, 3, 255]
const WITH_HALF_CLOSE = 'v5.channel.k8s.io'
const PROTOCOLS = [WITH_HALF_CLOSE, 'v4.channel.k8s.io']
const STDERR_KEPT = 4096

/** Starts a program in a container by the API server. `argv` goes into the URL of the request, and so into audit logs. */
export async function execIn(
  access: ClusterAccess,
  target: ExecTarget,
  argv: Argv,
  context: Context,
  limits?: ChannelLimits,
): Promise<StartedProgram> {
  const exec = new Exec(target, argv[0])
  const { namespace } = target
  const request = {
    path: pathOf(target, argv),
    protocols: PROTOCOLS,
    act: exec.act,
    right: { verb: 'get and create', resource: 'pods/exec', namespace },
    onData: exec.onData,
    onClose: exec.onClose,
  }
  exec.channels = await openChannels(access, request, context, limits)
  return exec.program
}

function pathOf({ namespace, pod, container }: ExecTarget, argv: Argv): string {
  const query = new URLSearchParams({ container, stdin: 'true', stdout: 'true', stderr: 'true', tty: 'false' })
  for (const word of argv) query.append('command', word)
  const [inNamespace, name] = [encodeURIComponent(namespace), encodeURIComponent(pod)]
  return `/api/v1/namespaces/${inNamespace}/pods/${name}/exec?${query.toString()}`
}

class Exec {
  readonly act: string
  readonly program: StartedProgram
  channels: ChannelSocket | undefined
  readonly #stdin = new Writable({
    write: (chunk: Buffer, _encoding, done) => this.#write(chunk, done),
    final: (done) => this.#endInput(done),
  })
  readonly #stdout = new Readable({
    read: () => this.channels?.release(),
    destroy: (error, done) => {
      // Nobody reads on, but the status is still to come.
      this.channels?.release()
      done(error)
    },
  })
  readonly #ended = Promise.withResolvers<number>()
  readonly #signed = Promise.withResolvers<undefined>()
  #stderr = Buffer.alloc(0)
  #hasWritten = false
  #isOver = false

  constructor(target: ExecTarget, name: string) {
    this.act = `start ${name} in pod ${target.namespace}/${target.pod}, container ${target.container}`
    this.#stdin.on('error', () => undefined)
    this.#stdout.on('error', () => undefined)
    this.#ended.promise.catch(() => undefined)
    this.program = {
      stdin: this.#stdin,
      stdout: this.#stdout,
      stderr: () => this.#stderr.toString('utf8'),
      ended: this.#ended.promise,
      firstSign: this.#signed.promise,
      stop: () => this.channels?.close(),
    }
  }

  readonly onData = (channel: number, data: Buffer): void => {
    if (data.length === 0) return
    this.#signed.resolve(undefined)
    if (channel === STDOUT && !this.#stdout.destroyed && !this.#stdout.push(data)) this.channels?.hold()
    if (channel === STDERR) this.#stderr = Buffer.from(Buffer.concat([this.#stderr, data]).subarray(-STDERR_KEPT))
    if (channel === STATUS) this.#over(exitOf(data, this.act))
  }

  readonly onClose = (failure: Failure | undefined): void => {
    const why = 'the connection ended before the program did'
    this.#over(failure ?? new Failure('unreachable', `kubernetes: to ${this.act} failed: ${why}`))
  }

  #write(chunk: Buffer, done: (error?: Error | null) => void): void {
    this.#hasWritten = true
    this.channels?.send(STDIN, chunk, done)
  }

  /** The older protocol cannot end the input alone: a program that waits for its end would wait for ever. */
  #endInput(done: (error?: Error | null) => void): void {
    if (this.channels?.protocol === WITH_HALF_CLOSE) this.channels.send(CLOSE, Buffer.from([STDIN]), done)
    else if (!this.#hasWritten) done()
    else
      done(
        new Failure('unsupported', `kubernetes: the API server is too old to end the input of a program`, {
          hint: 'Use Kubernetes 1.30 or newer, or the route port-forward.',
        }),
      )
  }

  /** The status comes after all output; a connection that ends without one was cut. */
  #over(end: number | Failure): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#signed.resolve(undefined)
    if (typeof end === 'number') {
      const isGiven = hasGivenAll(this.#stdout)
      this.#stdout.push(null)
      this.#stdin.destroy()
      if (isGiven) this.#ended.resolve(end)
      else this.#stdout.once('close', () => this.#ended.resolve(end))
    } else {
      this.#stdout.destroy(end)
      this.#stdin.destroy(end)
      this.#ended.reject(end)
    }
    this.channels?.closeInOrder()
  }
}

/** Where somebody reads, there may be more that was not given yet; where nobody does, nobody waits for it. */
function hasGivenAll(stream: Readable): boolean {
  const isRead = stream.readableFlowing !== null || stream.listenerCount('readable') > 0
  return stream.destroyed || stream.readableLength === 0 || !isRead
}
