import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '../../src/components/postgres/connection/connection.ts'

/** Where applications run: Linux namespaces without any network but a loopback, on which PostgreSQL answers. */
export interface Enclosure {
  /** Runs a program to its end; fails when that is not 0, with the end of what it printed. Gives what it printed. */
  run(program: readonly [string, ...string[]], options: RunOptions): Promise<string>
  /** Starts a program that goes on running; `stop` ends it. */
  start(program: readonly [string, ...string[]], options: RunOptions): Running
  /** Ends everything in it. */
  close(): Promise<void>
}

interface RunOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly folder: string
  readonly input?: string
  readonly minutes?: number
}

export interface Running {
  /** What it printed so far. */
  printed(): string
  /** Resolves when it ended by itself or was stopped. */
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

const DEFAULT_MINUTES = 15
/** Whoever asks for the network all the same is refused at once and does not wait. */
const NO_PROXY_ANSWERS = {
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  NO_PROXY: '127.0.0.1,localhost',
}
const asRoot = process.getuid?.() === 0

/** Needs root, or user namespaces for others. */
export async function openEnclosure(server: Server): Promise<Enclosure> {
  const namespaces = [
    '--net',
    '--pid',
    '--mount-proc',
    '--fork',
    '--kill-child',
    ...(asRoot ? [] : ['--map-root-user']),
  ]
  const gate = [process.execPath, join(import.meta.dirname, 'gate.ts'), `${server.host}/.s.PGSQL.${server.port}`]
  const args = ['--pdeathsig', 'KILL', '--', 'unshare', ...namespaces, '--', ...gate]
  const holder = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await Promise.race([once(holder.stdout, 'data'), failOnExit(holder, 'the enclosure could not be made')])
  const inside = childOf(holder)
  const enter = (program: readonly string[], options: RunOptions): ChildProcess => {
    const places = ['--net', '--pid', '--mount', ...(asRoot ? [] : ['--user', '--preserve-credentials'])]
    const env = {
      PATH: process.env['PATH'] ?? '',
      LANG: 'C.UTF-8',
      HOME: options.folder,
      ...NO_PROXY_ANSWERS,
      ...options.environment,
    }
    // nsenter does not pass signals on: what it started ends with it.
    const dying = ['setpriv', '--pdeathsig', 'TERM', '--', 'env', '--chdir', options.folder]
    return spawn('nsenter', ['--target', inside, ...places, '--', ...dying, ...program], { env, stdio: 'pipe' })
  }
  return {
    run: (program, options) => toItsEnd(enter(program, options), program, options),
    start: (program, options) => running(enter(program, options)),
    async close() {
      holder.kill('SIGKILL')
      if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit')
    },
  }
}

/** The first process inside, as it is numbered outside. */
function childOf({ pid = 0 }: ChildProcess): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
}

async function failOnExit(child: ChildProcess, what: string): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`${what}: it ended with ${String(code)}`)
}

async function toItsEnd(child: ChildProcess, program: readonly string[], options: RunOptions): Promise<string> {
  const minutes = options.minutes ?? DEFAULT_MINUTES
  const output = running(child)
  child.stdin?.end(options.input ?? '')
  const timer = setTimeout(() => child.kill('SIGKILL'), minutes * 60_000)
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  if (code === 0) return output.printed()
  const how = signal === null ? `ended with ${String(code)}` : `was ended by ${String(signal)} (limit: ${minutes} min)`
  throw new Error(`${program.join(' ').slice(0, 300)} ${how}:\n${output.printed().slice(-3000)}`)
}

function running(child: ChildProcess): Running {
  let all = ''
  for (const output of [child.stdout, child.stderr]) output?.setEncoding('utf8').on('data', (chunk) => (all += chunk))
  child.stdin?.on('error', () => {})
  return {
    printed: () => all,
    ended: once(child, 'exit'),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      // Its output closes when all that it started has ended: the next server would find this one on its port.
      await Promise.race([once(child, 'close'), sleep(60_000, undefined, { ref: false })])
    },
  }
}
