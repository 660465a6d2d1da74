import { execa } from 'execa'
import { existsSync } from 'node:fs'
import { faultInWords, faultOfCode, type EnvironmentFault } from '../../core/environment-fault.ts'
import { Failure, OF_ENVIRONMENT } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'

/** How one program is run. There is never a shell, and nothing of our own environment is passed on. */
export interface RunOptions {
  readonly file: string
  /** Visible to every user of the machine: never a secret. */
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly directory?: string
  /** Run as another user; needs root. */
  readonly user?: { readonly uid: number; readonly gid: number }
  readonly signal: AbortSignal
  /** Told what it prints to its standard error, as it comes. */
  readonly onErrorText?: (text: string) => void
  /** Longest time without a byte on any of its streams, in milliseconds. Time that we make it wait does not count. */
  readonly idleLimit: number
  /** Longest time in all, in milliseconds. `Infinity` is no limit. */
  readonly totalLimit: number
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
}

const STDERR_KEPT = 16_384
const STDOUT_KEPT = 64 * 1024 * 1024
const KILL_AFTER = 5_000
const SETPRIV = '/usr/bin/setpriv'
const hasSetpriv = existsSync(SETPRIV)

/**
 * Runs a program to its end and gives its output, at most 64 MiB.
 * Fails with `toolFailed` when it does not exit with 0, naming program, exit code or signal and its last lines; where it says
 * that a disk, a right, memory or a server was in its way, with the kind of that.
 */
export async function run(options: RunOptions, input?: Bytes): Promise<RunResult> {
  const chunks: Uint8Array[] = []
  let length = 0
  const child = start(options, input)
  for await (const chunk of child.output) {
    length += chunk.length
    if (length > STDOUT_KEPT) throw new Failure('toolFailed', `${options.file} printed more than ${STDOUT_KEPT} bytes`)
    chunks.push(chunk)
  }
  return { stdout: Buffer.concat(chunks).toString('utf8'), stderr: child.stderr() }
}

/**
 * Starts a program when it is first read from, and streams its standard output. The stream ends only if the program
 * exited with 0; otherwise it throws `toolFailed`, even though bytes flowed. Leaving the loop early kills the program.
 * Input that throws kills it too, before it could take the end for an ordinary one; the input's own error is thrown on.
 */
export async function* stream(options: RunOptions, input?: Bytes): Bytes {
  yield* start(options, input).output
}

interface Started {
  readonly output: Bytes
  readonly stderr: () => string
}

function start(options: RunOptions, input: Bytes | undefined): Started {
  const watchdog = new Watchdog(options)
  const [file, args] = dyingWithUs(options)
  const child = execa(file, args, {
    env: {
      LC_ALL: 'C.UTF-8',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...options.environment,
    },
    extendEnv: false,
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    ...options.user,
    stdin: input === undefined ? 'ignore' : watched(input, watchdog, () => child.kill('SIGKILL')),
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    encoding: 'buffer',
    cancelSignal: watchdog.signal,
    forceKillAfterDelay: KILL_AFTER,
  })
  const closeStreams = (): void => {
    child.stdout.destroy()
    child.stderr.destroy()
  }
  // What the program started may keep its streams open when it is gone.
  watchdog.afterEnd = closeStreams
  let stderr = ''
  child.stderr.on('data', (chunk: Uint8Array) => {
    watchdog.touch()
    const text = Buffer.from(chunk).toString('utf8')
    options.onErrorText?.(text)
    stderr = (stderr + text).slice(-STDERR_KEPT)
  })
  // Without an encoding the chunks of a pipe are bytes.
  const running = { child: child as unknown as Child, watchdog, stderr: () => stderr, closeStreams }
  return { output: outputOf(running, options), stderr: running.stderr }
}

/** The part of execa's child that is used here. */
interface Child extends PromiseLike<Ending & { readonly failed: boolean }> {
  readonly stdout: AsyncIterable<Uint8Array>
  kill(signal: 'SIGKILL'): boolean
}

interface Running {
  readonly child: Child
  readonly watchdog: Watchdog
  readonly stderr: () => string
  readonly closeStreams: () => void
}

async function* outputOf({ child, watchdog, stderr, closeStreams }: Running, options: RunOptions): Bytes {
  let finished = false
  try {
    yield* watchedOutput(child.stdout, watchdog)
    const result = await child
    finished = true
    if (watchdog.inputError !== undefined) throw watchdog.inputError
    if (result.failed) throw failureOf(options, result, watchdog, stderr())
  } finally {
    watchdog.stop()
    if (!finished) {
      child.kill('SIGKILL')
      closeStreams()
      await child
    }
  }
}

async function* watchedOutput(stdout: AsyncIterable<Uint8Array>, watchdog: Watchdog): Bytes {
  try {
    for await (const chunk of stdout) {
      watchdog.hold()
      yield chunk
      watchdog.release()
    }
  } catch (error) {
    // The streams of a program that we ended may break; how it ended says more.
    if (!watchdog.signal.aborted && watchdog.inputError === undefined) throw error
  }
}

interface Ending {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly originalMessage?: string | undefined
  /** Of the system, where it could not be started. */
  readonly code?: string | undefined
}

function failureOf(options: RunOptions, result: Ending, watchdog: Watchdog, stderr: string): Failure {
  if (options.signal.aborted) return new Failure('cancelled', `${options.file} was cancelled`)
  const lines = stderr.trim().split('\n').slice(-12).join('\n')
  const why =
    watchdog.reason ??
    (result.exitCode === undefined
      ? (result.signal ?? result.originalMessage ?? 'could not start')
      : `exit code ${result.exitCode}`)
  // What we ended ourselves says nothing of why.
  const fault = watchdog.reason === undefined ? faultOfEnding(result, stderr) : undefined
  return new Failure(fault?.kind ?? 'toolFailed', `${options.file} failed: ${why}${lines === '' ? '' : `\n${lines}`}`, {
    ...(fault === undefined ? {} : { hint: fault.hint }),
    facts: {
      tool: options.file,
      ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
      ...(result.signal === undefined ? {} : { signal: result.signal }),
      ...(isCutOff(result, watchdog) ? OF_ENVIRONMENT : {}),
    },
  })
}

/** Ended for a limit, or by somebody else, as the kernel does when memory is short. */
function isCutOff({ signal }: Ending, { reason }: Watchdog): boolean {
  return reason !== undefined || signal === 'SIGKILL' || signal === 'SIGTERM'
}

/** A program that did not start at all has a code of the system. */
function faultOfEnding({ exitCode, signal, code = '' }: Ending, stderr: string): EnvironmentFault | undefined {
  return exitCode === undefined && signal === undefined ? faultOfCode(code) : faultInWords(stderr)
}

/**
 * A child that is not attached to a pipe of ours outlives us when we are killed; the kernel can end it with us.
 * setpriv is part of util-linux; without it (or off Linux) a SIGKILL of Holdfast may leave the child running.
 */
function dyingWithUs(options: RunOptions): [string, readonly string[]] {
  if (!hasSetpriv) return [options.file, options.args]
  return [SETPRIV, ['--pdeathsig', 'KILL', '--', options.file, ...options.args]]
}

async function* watched(input: Bytes, watchdog: Watchdog, kill: () => void): Bytes {
  try {
    for await (const chunk of input) {
      watchdog.touch()
      yield chunk
    }
  } catch (error) {
    watchdog.inputError = error
    kill()
    throw error
  }
}

/** Ends a child that is silent for too long, runs for too long, or whose operation was cancelled. */
class Watchdog {
  readonly #controller = new AbortController()
  readonly #options: RunOptions
  readonly #total: NodeJS.Timeout
  readonly #idle: NodeJS.Timeout
  readonly #cancel = (): void => this.#abort()
  #held = false
  /** Runs when the child had time to end and be killed. */
  afterEnd: () => void = () => {}
  /** Why it was ended, if for a limit. */
  reason: string | undefined
  /** What its input threw. */
  inputError: unknown

  constructor(options: RunOptions) {
    this.#options = options
    this.#total = setTimeout(
      () => this.#end(`still running after ${options.totalLimit / 1000} s`),
      timerLength(options.totalLimit),
    )
    this.#idle = setTimeout(() => this.#silent(), timerLength(options.idleLimit))
    options.signal.addEventListener('abort', this.#cancel, { once: true })
    if (options.signal.aborted) this.#cancel()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  touch(): void {
    this.#idle.refresh()
  }

  /** The reader is busy with a chunk; the child may have to wait for it. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.touch()
  }

  stop(): void {
    clearTimeout(this.#total)
    clearTimeout(this.#idle)
    this.#options.signal.removeEventListener('abort', this.#cancel)
  }

  #silent(): void {
    if (this.#held) this.touch()
    else this.#end(`silent for ${this.#options.idleLimit / 1000} s`)
  }

  #end(reason: string): void {
    this.reason = reason
    this.#abort()
  }

  #abort(): void {
    this.#controller.abort()
    setTimeout(() => this.afterEnd(), KILL_AFTER + 500).unref()
  }
}

/** A timer longer than this (25 days) would fire at once. */
function timerLength(limit: number): number {
  return Math.min(limit, 2 ** 31 - 1)
}
