import { chmod } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { toFailureUnder } from '../../core/cancelled.ts'
import { Failure, systemFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { makeSocketFolder } from '../../system/files/socket-folder.ts'
import { removeTemporaryFolder } from '../../system/files/temporary-folder.ts'
import { HideChannelBinding } from './hide-channel-binding.ts'
import { joinStreams } from './join-streams.ts'
import type { Route } from './route.ts'
import { startTls, type TunnelTls } from './start-tls.ts'
import { within } from './within.ts'

export interface TunnelOptions {
  /** The name of the socket; libpq wants `.s.PGSQL.<port>`. */
  readonly name: string
  /** When given the tunnel speaks TLS with the server, as libpq speaks none over a unix socket. */
  readonly tls?: TunnelTls | undefined
  /** Further connections are closed at once. Default 64. */
  readonly mostConnections?: number
}

/** A private unix socket of this host, each connection of which is one to the server. */
export interface Tunnel {
  /** What libpq takes as its host. */
  readonly folder: string
  readonly socket: string
  /** Why the last connection that failed did. A client sees no more than that it was cut. */
  readonly lastFailure: () => Failure | undefined
  /** Cuts what is connected, waits until it is, and removes the folder. */
  close(): Promise<void>
}

const CONNECTIONS = 64
const OPEN_LIMIT = 15_000

/**
 * Opens a tunnel over a route, for this user alone. It ends with the context's signal, when it must still be closed. A
 * connection whose route fails or breaks is cut. Once this process is dead the removal of abandoned folders takes it away.
 */
export async function openTunnel(route: Route, options: TunnelOptions, context: Context): Promise<Tunnel> {
  const folder = await makeSocketFolder(options.name)
  try {
    const tunnel = new SocketTunnel(folder, route, options, context)
    await tunnel.listen()
    return tunnel
  } catch (cause) {
    await removeTemporaryFolder(folder)
    throw systemFailure(`the local socket for the ${route.name} cannot be made`, cause)
  }
}

class SocketTunnel implements Tunnel {
  readonly folder: string
  readonly socket: string
  readonly #route: Route
  readonly #options: TunnelOptions
  readonly #context: Context
  readonly #server: Server
  readonly #stop = new AbortController()
  readonly #joined = new Set<Promise<void>>()
  #failure: Failure | undefined
  /** Who locks a database asks it again and again: the same words once are enough. */
  readonly #told = new Set<string>()

  constructor(folder: string, route: Route, options: TunnelOptions, context: Context) {
    this.folder = folder
    this.socket = join(folder, options.name)
    this.#route = route
    this.#options = options
    this.#context = { ...context, signal: AbortSignal.any([context.signal, this.#stop.signal]) }
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (local) => this.#accept(local))
    this.#server.maxConnections = options.mostConnections ?? CONNECTIONS
    this.#server.on('drop', () => this.#report(new Failure('refused', `${route.name}: too many connections at once`)))
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.socket, resolve)
    })
    // Nobody else can enter the folder before.
    await chmod(this.socket, 0o600)
  }

  lastFailure(): Failure | undefined {
    return this.#failure
  }

  async close(): Promise<void> {
    this.#stop.abort(new Failure('cancelled', 'the tunnel was closed'))
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await Promise.all(this.#joined)
    await removeTemporaryFolder(this.folder)
  }

  #accept(local: Socket): void {
    const joined = this.#join(local).finally(() => this.#joined.delete(joined))
    this.#joined.add(joined)
  }

  async #join(local: Socket): Promise<void> {
    local.on('error', () => {})
    const { signal } = this.#context
    const cut = (): void => void local.destroy()
    signal.addEventListener('abort', cut, { once: true })
    try {
      if (signal.aborted) return
      const remote = await this.#open()
      const hides = this.#options.tls?.startTls === 'postgres'
      const broken = await joinStreams(local, remote, hides ? new HideChannelBinding() : undefined)
      if (broken !== undefined) throw broken
    } catch (error) {
      if (!signal.aborted) this.#report(toFailureUnder(error, signal))
    } finally {
      signal.removeEventListener('abort', cut)
      local.destroy()
    }
  }

  async #open(): Promise<Duplex> {
    const stream = await within(OPEN_LIMIT, this.#route.name, this.#context, (limited) => this.#route.open(limited))
    stream.on('error', () => {})
    const { tls } = this.#options
    if (tls === undefined) return stream
    try {
      return await within(OPEN_LIMIT, `the TLS of ${tls.serverName}`, this.#context, () => startTls(stream, tls))
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  #report(failure: Failure): void {
    this.#failure = failure
    if (this.#told.has(failure.message)) return
    this.#told.add(failure.message)
    this.#context.progress({ type: 'warning', message: failure.message })
  }
}
