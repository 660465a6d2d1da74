import { spawn } from 'node:child_process'
import { constants, homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

export const launcher = join(import.meta.dirname, '..', '..', 'bin', 'holdfast')

/** Every command of a test is a new process; without this each would compile all of its modules again. */
const compileCache = join(
  process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache', 'holdfast-parts'),
  'compiled',
)

export interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** Runs the real command line as a user would, in a folder, with an environment that has nothing of ours but the folder of temporary files. */
export async function holdfast(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return await start(folder, args, environment).ended
}

export interface Started {
  readonly pid: number
  readonly ended: Promise<Ran>
  /** What it has written to standard error by now. */
  readonly told: () => string
  /** Signals Holdfast and all it started. */
  kill(signal: NodeJS.Signals): void
  /** Signals Holdfast only, as `kill` on its process id does. */
  interrupt(signal: NodeJS.Signals): void
}

/** Starts the command line in a process group of its own, so that a test can kill it and all it started with one signal. */
export function start(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(launcher, args, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      TMPDIR: tmpdir(),
      HOME: folder,
      NODE_COMPILE_CACHE: compileCache,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const out = collect(child.stdout)
  const error = collect(child.stderr)
  // Undefined only when the program cannot be started, which `ended` reports.
  const pid = child.pid ?? 0
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({ code: code ?? 128 + constants.signals[signal ?? 'SIGTERM'], out: out(), error: error() }),
    )
  })
  return {
    pid,
    ended,
    told: error,
    kill: (signal) => process.kill(-pid, signal),
    interrupt: (signal) => process.kill(pid, signal),
  }
}

function collect(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return () => text
}
