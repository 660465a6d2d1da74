import type { Duplex } from 'node:stream'
import { throwIfCancelled, toFailureUnder } from '../../core/cancelled.ts'
import { Failure, toFailure, type FailureKind } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { isGone, type Place } from '../place.ts'
import { openDirect } from './direct.ts'
import { relayRoute } from './relays/relay-route.ts'
import { routeKinds, type ChosenRoute, type Door, type Route, type RouteKind } from './route.ts'
import { within } from './within.ts'

/** Asks whoever answers on a new connection whether it is the server. Rejects when nobody does. */
export type ProbeServer = (stream: Duplex) => Promise<void>

export interface WantedRoute {
  readonly route: RouteKind | 'auto'
  /** Without it a connection that stays open for a moment counts as a server. */
  readonly probe?: ProbeServer | undefined
}

const PROBE_LIMIT = 10_000
/** A relay that finds nobody listening ends at once. */
const MOMENT = 500

/**
 * The way to a server inside: the one that is asked for, or the first that works of direct, port-forward and exec-relay.
 * Each is tried with a connection of its own. Fails with why each does not work.
 */
export async function chooseRoute(
  place: Place,
  door: Door,
  wanted: WantedRoute,
  context: Context,
): Promise<ChosenRoute> {
  const kinds = wanted.route === 'auto' ? routeKinds : [wanted.route]
  const passedOver: { kind: RouteKind; failure: Failure }[] = []
  for (const kind of kinds) {
    try {
      const route = await firstThatWorks(await waysOf(kind, place, door, context), wanted.probe, context)
      return { route, passedOver: passedOver.map(({ kind, failure }) => ({ kind, why: failure.message })) }
    } catch (error) {
      throwIfCancelled(error, context.signal)
      // It is the reason itself, and no other way leads there.
      if (isGone(error)) throw error
      passedOver.push({ kind, failure: toFailure(error) })
    }
  }
  throw noWay(place, door, passedOver)
}

/** The ways of one kind. Fails where there is none. */
async function waysOf(kind: RouteKind, place: Place, door: Door, context: Context): Promise<readonly Route[]> {
  switch (kind) {
    case 'direct':
      return directRoutes(place, door, context)
    case 'port-forward':
      return [forwardRoute(place, door)]
    case 'exec-relay':
      return [await relayRoute(place, door, context)]
    default:
      return kind satisfies never
  }
}

async function directRoutes(place: Place, door: Door, context: Context): Promise<readonly Route[]> {
  requirePort(door)
  const addresses = await place.addresses(door.port, context)
  if (addresses.length === 0)
    throw new Failure('unreachable', `port ${door.port} of ${place.name} has no address that this host could reach`)
  return addresses.map((address) => ({
    kind: 'direct',
    name: `direct to ${address.host}:${address.port}`,
    open: (given) => openDirect(address, given),
  }))
}

function forwardRoute(place: Place, door: Door): Route {
  requirePort(door)
  if (place.forward === undefined) throw new Failure('unsupported', 'its platform has no port-forward')
  const forward = place.forward.bind(place)
  const name = `port-forward to port ${door.port} of ${place.name}`
  return { kind: 'port-forward', name, open: (context) => forward(door.port, context) }
}

function requirePort({ socket }: Door): void {
  if (socket !== undefined) throw new Failure('unsupported', `the socket ${socket} is inside`)
}

async function firstThatWorks(
  routes: readonly Route[],
  probe: ProbeServer | undefined,
  context: Context,
): Promise<Route> {
  const failures: Failure[] = []
  for (const route of routes) {
    try {
      await within(PROBE_LIMIT, route.name, context, (limited) => tryRoute(route, probe, limited))
      return route
    } catch (error) {
      throwIfCancelled(error, context.signal)
      if (isGone(error)) throw error
      failures.push(toFailureUnder(error, context.signal))
    }
  }
  const [first] = failures
  if (first !== undefined && failures.length === 1) throw first
  throw new Failure('unreachable', failures.map(({ message }) => message).join('; '), { cause: first })
}

async function tryRoute(route: Route, probe: ProbeServer | undefined, context: Context): Promise<void> {
  const stream = await route.open(context)
  stream.on('error', () => {})
  try {
    await (probe ?? staysOpen(context))(stream)
  } finally {
    stream.destroy()
  }
}

function staysOpen({ clock, signal }: Context): ProbeServer {
  return async (stream) => {
    const ended = Promise.withResolvers<never>()
    stream.once('error', ended.reject)
    stream.once('end', () => ended.reject(new Failure('unreachable', 'the connection ended at once')))
    ended.promise.catch(() => {})
    stream.once('data', () => stream.pause())
    await Promise.race([clock.sleep(MOMENT, signal), ended.promise])
  }
}

type PassedOver = readonly { readonly kind: RouteKind; readonly failure: Failure }[]

function noWay(place: Place, { port, socket }: Door, passedOver: PassedOver): Failure {
  const door = socket === undefined ? `port ${port}` : `socket ${socket}`
  const each = passedOver.map(({ kind, failure }) => `${kind}: ${failure.message}`)
  const last = passedOver.at(-1)?.failure
  return new Failure(kindOf(passedOver), `no way leads to ${door} of ${place.name}\n${each.join('\n')}`, {
    hint: last?.hint ?? HINT,
    cause: last,
  })
}

const HINT = 'Check that the server runs and listens there. Else publish the port of the container.'

/** A way that is only forbidden, or that lacks a program, may be opened by the operator. */
function kindOf(passedOver: PassedOver): FailureKind {
  const last = passedOver.at(-1)?.failure.kind
  return last === 'denied' || last === 'notFound' || last === 'unsupported' ? last : 'unreachable'
}
