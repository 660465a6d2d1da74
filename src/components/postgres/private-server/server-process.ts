import { chmod, chown, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asOfEnvironment, Failure, toFailure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { stream } from '../../../system/process/run.ts'
import type { Server } from '../connection/connection.ts'
import { initialize, openServerFolder, readPassword, runInPlace, SUPERUSER, userOf } from './server-folder.ts'
import type { ServerFolder } from './server-folder.ts'
import { startLeftServer } from './server-left.ts'
import { findServerBinaries } from '../tools/tools.ts'
import type { ServerBinaries } from '../tools/tools.ts'

export interface ServerOptions {
  /** Where its data goes; made when missing. A folder that was used before starts again with its data. */
  readonly folder: string
  readonly context: Context
  /** Of this major, else of the smallest newer one that is installed; the newest when absent. */
  readonly major?: number
  /** Of the databases; must be of the encoding. */
  readonly locale?: string
  /** Of its own databases, and so of the names of roles that are made from there; UTF-8 when absent. */
  readonly encoding?: string
  /** The name of its superuser. */
  readonly superuser?: string
  /** Settings of postgresql.conf over the defaults for throw-away data. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A PostgreSQL server of our own that nobody else can reach: one folder, one unix socket, a random password. */
export interface PrivateServer {
  /** How to connect as its superuser. */
  readonly server: Server
  readonly major: number
  readonly version: number
  readonly versionText: string
  readonly folder: string
  /** The process id of the postmaster that runs now. */
  readonly pid: number
  /** Ends it with all its sessions in bounded time; works after cancellation and when it does not run. */
  stop(): Promise<void>
  /** SIGKILL for the postmaster, as in a crash. */
  kill(): Promise<void>
  /** Stops it if it runs, and starts it with the same data, password and socket. */
  restart(): Promise<void>
  /** Starts it anew so that it outlives this process; `stopLeftServer` ends it. Gives a file with the password for libpq. */
  leave(settings?: Readonly<Record<string, string>>): Promise<{ readonly passwordFile: string }>
}

const PORT = 5432
const START_LIMIT = 60_000
const STOP_SECONDS = 20
/** A server lives as long as it is needed. */
const UNLIMITED = { idleLimit: Infinity, totalLimit: Infinity }

/** The data is thrown away: no waiting for the disk. Commits stay synchronous, so a killed postmaster loses none. */
export const THROW_AWAY: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: String(PORT),
  unix_socket_permissions: '0700',
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '50',
  max_locks_per_transaction: '512',
  shared_buffers: '64MB',
  max_wal_size: '2GB',
}

/**
 * Starts a private PostgreSQL server. As root it runs as the user `postgres` or `nobody`, to whom the folder is given.
 * The kernel ends it when this process dies (where setpriv exists). Fails with `notFound` when no server is installed.
 */
export async function startServer(options: ServerOptions): Promise<PrivateServer> {
  try {
    return await startNew(options)
  } catch (error) {
    // Nothing of a restore point has come near it yet.
    throw asOfEnvironment(error)
  }
}

async function startNew(options: ServerOptions): Promise<PrivateServer> {
  const binaries = await findServerBinaries(options.context, options.major)
  const place = await openServerFolder(options.folder)
  try {
    const { superuser = SUPERUSER, encoding = 'UTF8' } = options
    const { locale = encoding === 'UTF8' ? 'C.UTF-8' : 'C' } = options
    await initialize(binaries, place, { locale, encoding, superuser }, options.context)
    const server: Server = {
      host: place.sockets,
      port: PORT,
      user: superuser,
      password: await readPassword(place),
      tls: 'disable',
      tlsCa: undefined,
      through: undefined,
    }
    const postmaster = new Postmaster(binaries, place, server, options)
    try {
      await postmaster.restart()
    } catch (error) {
      // It may run all the same, when only the answer was lost, and nobody else knows of it.
      await postmaster.stop()
      throw error
    }
    return postmaster
  } catch (error) {
    await closeSockets(place)
    throw error
  }
}

interface Running {
  /** Resolves with the reason when the process has ended. */
  readonly ended: Promise<Failure>
  /** Ends it even if it no longer listens: SIGTERM, soon SIGKILL. */
  readonly abandon: AbortController
}

class Postmaster implements PrivateServer {
  readonly server: Server
  readonly major: number
  readonly version: number
  readonly versionText: string
  readonly folder: string
  readonly #binaries: ServerBinaries
  readonly #place: ServerFolder
  readonly #options: ServerOptions
  #running: Running | undefined
  #pid: number | undefined

  constructor(binaries: ServerBinaries, place: ServerFolder, server: Server, options: ServerOptions) {
    this.server = server
    this.major = binaries.major
    this.version = binaries.version
    this.versionText = binaries.versionText
    this.folder = place.folder
    this.#binaries = binaries
    this.#place = place
    this.#options = options
  }

  get pid(): number {
    if (this.#pid === undefined) throw new Failure('bug', `the PostgreSQL server in ${this.folder} does not run`)
    return this.#pid
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.#options.context.effects.run('start server', async () => {
      const deadline = this.#options.context.clock.monotonic() + START_LIMIT
      while (!(await this.#start(deadline))) await this.#options.context.clock.sleep(100, this.#options.context.signal)
    })
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    if (
      !(await this.#control(stopArgs(this.#place, 'fast'))) &&
      !(await this.#control(stopArgs(this.#place, 'immediate')))
    )
      running.abandon.abort()
    await running.ended
    this.#forget()
    await closeSockets(this.#place)
  }

  async kill(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    await this.#control(['kill', 'KILL', String(this.pid)])
    await running.ended
    this.#forget()
  }

  async leave(settings: Readonly<Record<string, string>> = {}): Promise<{ readonly passwordFile: string }> {
    await this.stop()
    await openSockets(this.#place)
    const all = { ...settingsOf(this.#place, this.#options), ...settings }
    return startLeftServer(this.#binaries, this.#place, all, this.#options.context)
  }

  #forget(): void {
    this.#running = undefined
    this.#pid = undefined
  }

  /** False when sessions of a killed predecessor still hold its memory; they end by themselves within seconds. */
  async #start(deadline: number): Promise<boolean> {
    await openSockets(this.#place)
    const before = await readLockFile(this.#place.data)
    const running = launch(this.#binaries, this.#place, this.#options)
    this.#running = running
    try {
      this.#pid = await this.#untilReady(running, before.pid, deadline)
      return true
    } catch (error) {
      running.abandon.abort()
      await running.ended
      this.#forget()
      if (isStillHeld(error) && this.#options.context.clock.monotonic() < deadline) return false
      throw error
    }
  }

  async #untilReady({ ended }: Running, pidBefore: number | undefined, deadline: number): Promise<number> {
    const { clock, signal } = this.#options.context
    for (;;) {
      const early = await Promise.race([ended, clock.sleep(25, signal)])
      if (early !== undefined) throw early
      const lock = await readLockFile(this.#place.data)
      // The lock file of a killed predecessor also says that it is ready.
      if (lock.ready && lock.pid !== undefined && lock.pid !== pidBefore) return lock.pid
      if (clock.monotonic() > deadline)
        throw new Failure('toolFailed', `PostgreSQL in ${this.folder} was not ready after ${START_LIMIT / 1000} s`)
    }
  }

  /** Whether pg_ctl did it. Its signal is one of its own: a cancelled operation must still end its server. */
  async #control(args: readonly string[]): Promise<boolean> {
    const limit = (STOP_SECONDS + 10) * 1000
    return runInPlace(this.#place, this.#binaries.pgCtl, args, new AbortController().signal, limit).then(
      () => true,
      () => false,
    )
  }
}

function stopArgs(place: ServerFolder, mode: 'fast' | 'immediate'): string[] {
  return ['stop', '-D', place.data, '-m', mode, '-w', '-t', String(STOP_SECONDS), '-s']
}

function launch(binaries: ServerBinaries, place: ServerFolder, options: ServerOptions): Running {
  const abandon = new AbortController()
  const settings = Object.entries(settingsOf(place, options))
  const args = ['-D', place.data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const output = stream({
    file: binaries.postgres,
    args,
    directory: place.folder,
    ...userOf(place),
    signal: abandon.signal,
    ...UNLIMITED,
  })
  return { ended: endOf(output, place), abandon }
}

function settingsOf(place: ServerFolder, { settings }: ServerOptions): Readonly<Record<string, string>> {
  return { ...THROW_AWAY, ...settings, unix_socket_directories: place.sockets }
}

async function endOf(output: Bytes, place: ServerFolder): Promise<Failure> {
  try {
    // The server prints to its standard error only.
    for await (const _chunk of output);
    return new Failure('toolFailed', `PostgreSQL in ${place.folder} was stopped`)
  } catch (error) {
    return toFailure(error)
  }
}

async function openSockets({ sockets, folder, account }: ServerFolder): Promise<void> {
  if (sockets === folder) return
  await mkdir(sockets, { recursive: true, mode: 0o700 })
  await chmod(sockets, 0o700)
  if (account !== undefined) await chown(sockets, account.uid, account.gid)
}

/** The socket's folder is one more when the server's cannot hold it. */
async function closeSockets({ sockets, folder }: ServerFolder): Promise<void> {
  if (sockets !== folder) await rm(sockets, { recursive: true, force: true })
}

interface LockFile {
  readonly pid: number | undefined
  readonly ready: boolean
}

/** `postmaster.pid`: the process id in line 1, the state in line 8; `standby` takes reading sessions. */
async function readLockFile(data: string): Promise<LockFile> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return { pid: pid > 0 ? pid : undefined, ready: ['ready', 'standby'].includes(lines[7]?.trim() ?? '') }
}

function isStillHeld(error: unknown): boolean {
  return error instanceof Failure && error.message.includes('shared memory block')
}
