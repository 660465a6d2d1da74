import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { Failure, toFailure } from '../../../core/failure.ts'
import type { RunningProgram } from '../../place.ts'
import { OutputFrames } from './frames.ts'

/** Milliseconds for a program to end after it was told. */
const LET_GO = 2000

interface Followed {
  /** For messages. */
  readonly name: string
  /** Asked when the output has ended. Rejects when the program has not. */
  readonly exitCode: () => Promise<number>
  readonly signal: AbortSignal
}

/** A program whose streams are one connection. Whatever cuts the connection ends all of them with an error. */
export function followProgram(socket: Socket, { name, exitCode, signal }: Followed): RunningProgram {
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>()
  const stdout: OutputFrames = new OutputFrames(name, async () => {
    const code = await exitCode()
    isOver = true
    signal.removeEventListener('abort', cancel)
    socket.destroy()
    // Whoever reads has all of it before the code.
    if (stdout.readableLength === 0) resolve(code)
    else stdout.once('end', () => resolve(code)).once('close', () => resolve(code))
  })
  const stdin = inputOf(socket, () => isOver)
  let isOver = false
  const cut = (failure: Failure): void => {
    if (isOver) return
    isOver = true
    signal.removeEventListener('abort', cancel)
    reject(failure)
    socket.unpipe(stdout)
    for (const stream of [stdin, stdout]) stream.destroy(failure)
    letGo(socket)
  }
  const cancel = (): void => cut(new Failure('cancelled', 'cancelled', { cause: signal.reason }))
  // Nobody has to watch each of them.
  ended.catch(() => undefined)
  for (const stream of [stdin, stdout]) stream.on('error', (error) => cut(toFailure(error)))
  socket.on('error', (cause) => cut(cutOff(name, cause)))
  socket.on('close', () => socket.readableEnded || cut(cutOff(name)))
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  else socket.pipe(stdout)
  const stop = (): void => cut(new Failure('unreachable', `${name}: the connection was ended`))
  return { stdin, stdout, stderr: () => stdout.stderr, ended, stop }
}

/** The end of its input is all that tells a program. With output that nobody takes, Podman would not pass it on. */
function letGo(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LET_GO).unref()
  socket.once('close', () => clearTimeout(timer))
  socket.resume().unref().end()
}

/** Its end is the end of the program's input, and leaves the other half open. Input for a program that has ended is dropped. */
function inputOf(socket: Socket, isOver: () => boolean): Writable {
  const over = (done: (error?: Error | null) => void) => (error?: Error | null) => done(isOver() ? null : error)
  return new Writable({
    write: (chunk, _encoding, done) => (socket.writable ? socket.write(chunk, over(done)) : done()),
    final: (done) => (socket.writable ? socket.end(() => done()) : done()),
  })
}

function cutOff(name: string, cause?: unknown): Failure {
  return new Failure('unreachable', `${name}: the connection was cut`, {
    cause,
    hint: 'Check that the container and its engine still run, then run this again.',
  })
}
