import type { Duplex } from 'node:stream'
import type { Context } from '../../core/ports.ts'

/** How to get to a port or socket of a place. */
export const routeKinds = ['direct', 'port-forward', 'exec-relay'] as const
export type RouteKind = (typeof routeKinds)[number]

/** One way to a server. Each connection is a stream of its own, and ends with an error when it was cut. */
export interface Route {
  readonly kind: RouteKind
  /** For people: `exec-relay by bash`. */
  readonly name: string
  /** Fails with `unreachable`. */
  open(context: Context): Promise<Duplex>
}

/** Which port, or which socket in the place, the server listens on. */
export interface Door {
  readonly port: number
  /** Absolute path of the unix socket inside, where it is to be used rather than the port. */
  readonly socket?: string | undefined
}

/** The way that was taken, and why none before it. */
export interface ChosenRoute {
  readonly route: Route
  readonly passedOver: readonly { readonly kind: RouteKind; readonly why: string }[]
}
