import { execa } from 'execa'
import { Failure } from '../src/core/failure.ts'
import { systemClock } from '../src/system/clock.ts'
import { watchTree } from './process-tree.ts'
import type { Peaks } from './process-tree.ts'

export interface ChildOptions {
  readonly file: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Called with each line on standard error, for example the name of a phase that begins. */
  readonly onLine?: (line: string) => void
}

export interface ChildRun {
  /** From before the start of the process to its end, launcher and runtime included. */
  readonly seconds: number
  readonly stdout: string
  readonly peaks: Peaks | undefined
}

/** Runs a program as a user would and measures it. Fails with `toolFailed` unless it exits with 0. */
export async function runMeasured(options: ChildOptions): Promise<ChildRun> {
  const started = systemClock.monotonic()
  const child = execa(options.file, options.args, {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/',
      LC_ALL: 'C.UTF-8',
      ...options.environment,
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    cancelSignal: options.signal,
  })
  if (options.onLine !== undefined) void eachLine(child.iterable({ from: 'stderr' }), options.onLine)
  const watch = child.pid === undefined ? undefined : watchTree(child.pid)
  const result = await child
  const seconds = (systemClock.monotonic() - started) / 1000
  const peaks = await watch?.stop()
  if (!result.failed) return { seconds, stdout: result.stdout, peaks }
  if (options.signal.aborted) throw new Failure('cancelled', `${options.file} was cancelled`)
  throw new Failure('toolFailed', `${result.shortMessage}\n${result.stderr.slice(-4000)}${result.stdout.slice(-4000)}`)
}

/** The peak of the processes that run our own code, without the tools they start. */
export function ownPeak({ peaks }: ChildRun): number | undefined {
  return peaks?.get('node')
}

/** The peak of the largest process that does not run our code. */
export function toolsPeak({ peaks }: ChildRun): number | undefined {
  const others = Array.from(peaks ?? []).filter(([program]) => program !== 'node')
  return others.length === 0 ? undefined : Math.max(...others.map(([, mib]) => mib))
}

async function eachLine(lines: AsyncIterable<unknown>, onLine: (line: string) => void): Promise<void> {
  for await (const line of lines) onLine(String(line))
}
