import { execa } from 'execa'
import { existsSync } from 'node:fs'
import { Failure } from '../core/failure.ts'
import type { Bytes } from '../core/ports.ts'

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
  /** Longest time without a byte on any of its streams, in milliseconds. */
  readonly idleLimit: number
  /** Longest time in all, in milliseconds. */
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
 * Fails with `toolFailed` when it does not exit with 0, naming program, exit code or signal and its last lines.
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
 * Runs a program and streams its standard output. The stream ends only if the program exited with 0; otherwise it
 * throws `toolFailed`, even though bytes flowed. Leaving the loop early kills the program.
 */
export function stream(options: RunOptions, input?: Bytes): Bytes {
  return start(options, input).output
}

interface Started {
  readonly output: Bytes
  readonly stderr: () => string
}

function start(options: RunOptions, input: Bytes | undefined): Started {
  const watchdog = new Watchdog(options)
  const [file, args] = dyingWithUs(options)
  const child = execa(file, args, {
    env: { LC_ALL: 'C.UTF-8', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...options.environment },
    extendEnv: false,
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    ...options.user,
    stdin: input === undefined ? 'ignore' : watched(input, watchdog),
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    encoding: 'buffer',
    cancelSignal: watchdog.signal,
    forceKillAfterDelay: KILL_AFTER,
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Uint8Array) => {
    watchdog.touch()
    stderr = (stderr + Buffer.from(chunk).toString('utf8')).slice(-STDERR_KEPT)
  })
  return { output: outputOf(child, options, watchdog, () => stderr), stderr: () => stderr }
}

/** The part of execa's child that is used here. */
interface Child extends PromiseLike<Ending & { readonly failed: boolean }> {
  readonly stdout: AsyncIterable<unknown> | null
  kill(signal: 'SIGKILL'): boolean
}

async function* outputOf(child: Child, options: RunOptions, watchdog: Watchdog, stderr: () => string): Bytes {
  let finished = false
  try {
    const stdout = child.stdout as AsyncIterable<Uint8Array> | null
    for await (const chunk of stdout ?? []) {
      watchdog.touch()
      yield chunk
      watchdog.touch()
    }
    const result = await child
    finished = true
    if (result.failed) throw failureOf(options, result, watchdog, stderr())
  } finally {
    watchdog.stop()
    if (!finished) {
      child.kill('SIGKILL')
      await child
    }
  }
}

interface Ending {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly originalMessage?: string | undefined
}

function failureOf(options: RunOptions, result: Ending, watchdog: Watchdog, stderr: string): Failure {
  if (options.signal.aborted) return new Failure('cancelled', `${options.file} was cancelled`)
  const lines = stderr.trim().split('\n').slice(-12).join('\n')
  const why = watchdog.reason ?? (result.exitCode === undefined ? (result.signal ?? result.originalMessage ?? 'could not start') : `exit code ${result.exitCode}`)
  return new Failure('toolFailed', `${options.file} failed: ${why}${lines === '' ? '' : `\n${lines}`}`, {
    facts: { tool: options.file, ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }), ...(result.signal === undefined ? {} : { signal: result.signal }) },
  })
}

/**
 * A child that is not attached to a pipe of ours outlives us when we are killed; the kernel can end it with us.
 * setpriv is part of util-linux; without it (or off Linux) a SIGKILL of Holdfast may leave the child running.
 */
function dyingWithUs(options: RunOptions): [string, readonly string[]] {
  if (!hasSetpriv) return [options.file, options.args]
  return [SETPRIV, ['--pdeathsig', 'KILL', '--', options.file, ...options.args]]
}

async function* watched(input: Bytes, watchdog: Watchdog): Bytes {
  for await (const chunk of input) {
    watchdog.touch()
    yield chunk
  }
}

/** Ends a child that is silent for too long, runs for too long, or whose operation was cancelled. */
class Watchdog {
  readonly #controller = new AbortController()
  readonly #options: RunOptions
  readonly #total: NodeJS.Timeout
  #idle: NodeJS.Timeout
  readonly #cancel = (): void => this.#controller.abort()
  reason: string | undefined

  constructor(options: RunOptions) {
    this.#options = options
    this.#total = setTimeout(() => this.#end(`still running after ${options.totalLimit / 1000} s`), options.totalLimit)
    this.#idle = setTimeout(() => this.#end(`silent for ${options.idleLimit / 1000} s`), options.idleLimit)
    options.signal.addEventListener('abort', this.#cancel, { once: true })
    if (options.signal.aborted) this.#cancel()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  touch(): void {
    this.#idle.refresh()
  }

  stop(): void {
    clearTimeout(this.#total)
    clearTimeout(this.#idle)
    this.#options.signal.removeEventListener('abort', this.#cancel)
  }

  #end(reason: string): void {
    this.reason = reason
    this.#controller.abort()
  }
}
