import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { randomHex } from '../../system/random.ts'
import type { Address, Place, RunningProgram } from '../place.ts'

interface LocalOptions {
  /** Variables of its programs. PATH says which are there. */
  readonly environment?: Readonly<Record<string, string>>
  /** What `addresses` gives for a port; nothing when absent, as for most containers. */
  readonly addresses?: (port: number) => readonly Address[]
  readonly forward?: (port: number, context: Context) => Promise<Duplex>
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const MARK = 'HOLDFAST_LOCAL_PLACE'
const STDERR_KEPT = 4096

/**
 * A place over programs of this host, for tests of what is built on places. Like a container it has no way to end a
 * program but its streams.
 */
export class LocalPlace implements Place {
  readonly name = `local place ${randomHex(4)}`
  readonly image = 'this host'
  readonly forward?: NonNullable<Place['forward']>
  readonly #options: LocalOptions
  readonly #environment: Readonly<Record<string, string>>
  readonly #running = new Map<ChildProcess, (failure: Failure) => void>()
  #isGone = false

  constructor(options: LocalOptions = {}) {
    this.#options = options
    this.#environment = { PATH, LC_ALL: 'C.UTF-8', ...options.environment, [MARK]: this.name }
    const { forward } = options
    if (forward !== undefined)
      this.forward = async (port, context) => {
        this.#requireHere(context)
        return forward(port, context)
      }
  }

  async addresses(port: number, context: Context): Promise<readonly Address[]> {
    this.#requireHere(context)
    return this.#options.addresses?.(port) ?? []
  }

  async variable(name: string, context: Context): Promise<string | undefined> {
    this.#requireHere(context)
    return this.#environment[name]
  }

  async start([file, ...args]: readonly [string, ...string[]], context: Context): Promise<RunningProgram> {
    this.#requireHere(context)
    const child = spawn(file, args, { env: this.#environment, stdio: 'pipe' })
    try {
      await once(child, 'spawn')
    } catch (cause) {
      throw new Failure('notFound', `${file} is not there in ${this.name}`, { cause })
    }
    return this.#follow(child, context)
  }

  /** Ends all its programs; every act fails from then on. */
  remove(): void {
    this.#isGone = true
    for (const [child, cut] of this.#running) {
      child.kill('SIGKILL')
      cut(this.#gone())
    }
  }

  /** The command lines of all processes that it started, and that those started. */
  async processes(): Promise<readonly string[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const found = await Promise.all(pids.map((pid) => commandLine(pid, `${MARK}=${this.name}`)))
    return found.filter((line) => line !== undefined)
  }

  #requireHere({ signal }: Context): void {
    if (signal.aborted) throw new Failure('cancelled', 'cancelled', { cause: signal.reason })
    if (this.#isGone) throw this.#gone()
  }

  #gone(): Failure {
    return new Failure('unreachable', `${this.name} is gone`, { facts: { gone: true } })
  }

  #follow(child: ChildProcessWithoutNullStreams, { signal }: Context): RunningProgram {
    const { promise: ended, resolve, reject } = Promise.withResolvers<number>()
    const { stdin, stdout, stderr } = child
    const cut = (failure: Failure): void => {
      reject(failure)
      for (const stream of [stdin, stdout, stderr]) stream.destroy(failure)
    }
    const cancel = (): void => cut(new Failure('cancelled', 'cancelled', { cause: signal.reason }))
    ended.catch(() => {})
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {})
    let told = ''
    stderr.setEncoding('utf8').on('data', (text: string) => (told = (told + text).slice(-STDERR_KEPT)))
    this.#running.set(child, cut)
    signal.addEventListener('abort', cancel, { once: true })
    child.once('close', (code, name) => {
      this.#running.delete(child)
      signal.removeEventListener('abort', cancel)
      resolve(code ?? 128 + (name === null ? 0 : constants.signals[name]))
    })
    return {
      stdin,
      stdout,
      stderr: () => told,
      ended,
      stop: () => cut(new Failure('unreachable', `the connection to ${this.name} was ended`)),
    }
  }
}

/** The command line of a process that has this in its environment. */
async function commandLine(pid: string, mark: string): Promise<string | undefined> {
  const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
  if (!(await read('environ')).split('\0').includes(mark)) return undefined
  const line = (await read('cmdline')).replaceAll('\0', ' ').trim()
  return line === '' ? undefined : line
}
