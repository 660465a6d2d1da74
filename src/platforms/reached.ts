import { dirname } from 'node:path'
import { Failure } from '../core/failure.ts'
import type { Bytes, Context } from '../core/ports.ts'
import type { Place } from './place.ts'
import type { Inside } from './platform.ts'
import type { ReachBase } from './reach.ts'
import { chooseRoute } from './routes/choose-route.ts'
import { openTunnel, type Tunnel } from './routes/open-tunnel.ts'
import { probePostgres } from './routes/postgres-start.ts'
import { provenOutput } from './routes/proven-output.ts'
import { relayRoute } from './routes/relays/relay-route.ts'
import type { ChosenRoute, Door } from './routes/route.ts'
import type { FarEnd, InsideProgram, LocalSocket, Through } from './through.ts'

/** libpq finds a socket by a folder and a number. */
const LOCAL_PORT = 5432
const LOCAL_NAME = `.s.PGSQL.${LOCAL_PORT}`
const STARTS = { postgres: 'postgres', http: 'none' } as const

/** A socket of this host that is joined to one inside. */
export type Joined = Pick<Tunnel, 'folder' | 'close'> & { readonly port: number }

/** The way to a server of our own in a place. */
export async function joinedTo(place: Place, door: Door, context: Context): Promise<Joined> {
  const route = await relayRoute(place, door, context)
  const tunnel = await openTunnel(route, { name: LOCAL_NAME }, context)
  return { folder: tunnel.folder, port: LOCAL_PORT, close: () => tunnel.close() }
}

interface Opened {
  readonly tunnel: Tunnel
  readonly local: LocalSocket
}

/** One container of a platform, found when it is first needed. What failed is tried anew by the next who asks. */
export class Reached implements Through {
  readonly name: string
  readonly #inside: Inside
  readonly #settings: unknown
  readonly #reach: ReachBase
  /** Of the whole process: a way outlives the operation that opened it. */
  readonly #context: Context
  #place: Promise<Place> | undefined
  #opened: Promise<Opened> | undefined
  #tunnel: Tunnel | undefined

  constructor(inside: Inside, settings: unknown, reach: ReachBase, context: Context) {
    this.#context = context
    this.#inside = inside
    this.#settings = settings
    this.#reach = reach
    this.name = inside.describe(settings, reach)
  }

  async open(farEnd: FarEnd, context: Context): Promise<LocalSocket> {
    const opening = (this.#opened ??= this.#join(farEnd, context))
    try {
      return (await opening).local
    } catch (error) {
      // Somebody may have begun anew by now.
      if (this.#opened === opening) this.#opened = undefined
      throw error
    }
  }

  async variable(name: string, context: Context): Promise<string> {
    const place = await this.#found(context)
    const value = await place.variable(name, context)
    if (value !== undefined) return value
    throw new Failure('notFound', `${place.name} has no variable ${name}`, {
      hint: 'Correct inside:NAME in the configuration to a variable of that container.',
    })
  }

  get spawn(): Through['spawn'] {
    const inside = this.#inside
    const spawn = inside.spawn?.bind(inside)
    return spawn && ((context) => spawn(this.#settings, this.#reach, context))
  }

  get spawnWithVolumes(): Through['spawnWithVolumes'] {
    const inside = this.#inside
    const spawn = inside.spawnWithVolumes?.bind(inside)
    return spawn && ((wanted, context) => spawn(this.#settings, this.#reach, wanted, context))
  }

  get hostFolder(): Through['hostFolder'] {
    const inside = this.#inside
    const ask = inside.hostFolder?.bind(inside)
    return ask && ((path, context) => ask(this.#settings, this.#reach, path, context))
  }

  get output(): Through['output'] {
    const { route } = this.#reach
    const isAllowed = route === 'auto' || route === 'exec-relay'
    return isAllowed ? (program, context) => this.#output(program, context) : undefined
  }

  lastFailure(): Failure | undefined {
    return this.#tunnel?.lastFailure()
  }

  /** Who uses it afterwards finds the container anew. */
  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    this.#opened = undefined
    this.#place = undefined
    await opened?.tunnel.close()
  }

  async *#output(program: InsideProgram, context: Context): Bytes {
    const place = await this.#found(context)
    const argv = program.argv(serverInside(this.#reach, program.defaultPort))
    yield* provenOutput(place, argv, program.password, context)
  }

  async #found(context: Context): Promise<Place> {
    const finding = (this.#place ??= this.#inside.find(this.#settings, this.#reach, context))
    try {
      return await finding
    } catch (error) {
      if (this.#place === finding) this.#place = undefined
      throw error
    }
  }

  async #join(farEnd: FarEnd, context: Context): Promise<Opened> {
    const place = await this.#found(context)
    const { port = farEnd.defaultPort, socket, route: wanted } = this.#reach
    const probe = farEnd.protocol === 'postgres' ? { probe: probePostgres } : {}
    const chosen = await chooseRoute(place, { port, socket }, { route: wanted, ...probe }, context)
    const tls = farEnd.tls === undefined ? undefined : { ...farEnd.tls, startTls: STARTS[farEnd.protocol] }
    const tunnel = await openTunnel(chosen.route, { name: LOCAL_NAME, tls }, this.#context)
    this.#tunnel = tunnel
    const { folder, socket: path } = tunnel
    return { tunnel, local: { folder, path, port: LOCAL_PORT, way: wayText(place, chosen) } }
  }
}

/** As libpq has it: a folder and a number for a socket. */
function serverInside({ port, socket }: ReachBase, defaultPort: number): { host: string; port: number } {
  if (socket === undefined) return { host: '127.0.0.1', port: port ?? defaultPort }
  const number = /\.s\.PGSQL\.(\d+)$/.exec(socket)?.[1]
  return { host: dirname(socket), port: number === undefined ? (port ?? defaultPort) : Number(number) }
}

function wayText({ name }: Place, { route, passedOver }: ChosenRoute): string {
  const reasons = passedOver.map(({ kind, why }) => `no ${kind}: ${why}`).join('; ')
  return `${name}, by ${route.name}${reasons === '' ? '' : ` (${reasons})`}`
}
