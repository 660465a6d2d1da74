import type { Failure } from '../core/failure.ts'
import type { Bytes, Context } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import type { Place } from './place.ts'

/** What speaks at the far end, so that a way that leads nowhere is seen, and TLS is begun as the server expects. */
export interface FarEnd {
  readonly protocol: 'postgres' | 'http'
  /** Where the server listens when the configuration does not say. */
  readonly defaultPort: number
  readonly tls?: FarTls | undefined
}

/** TLS to the server, spoken by us: who uses the local socket speaks none. */
export interface FarTls {
  readonly mode: 'require' | 'verify-full'
  /** PEM. Those of the system when absent. */
  readonly ca?: string | undefined
  /** The name that the certificate must have. */
  readonly serverName: string
}

/**
 * The way to a server that this host does not reach by a name: a private local socket, joined to a route. What uses it
 * speaks the server's own protocol and knows nothing of routes.
 */
export interface Through {
  /** For people, and the same for the same server: `service db of project app`. */
  readonly name: string
  /** The socket; opened by the first call, and open until this process ends. */
  open(farEnd: FarEnd, context: Context): Promise<LocalSocket>
  /** Why the last connection through it failed: whoever uses the socket sees no more than that it was cut. */
  lastFailure(): Failure | undefined
  /** Makes a container like the one in which the server runs, for a server of our own; absent where the platform cannot. */
  readonly spawn?: ((context: Context) => Promise<Spawned>) | undefined
  /**
   * The same with those volumes on which a path inside lies, read-only, at the same places. The container that it is like may
   * be stopped. Fails with `unsupported` where the path lies on no volume. Absent where the platform cannot.
   */
  readonly spawnWithVolumes?: ((wanted: VolumesWanted, context: Context) => Promise<Spawned>) | undefined
  /** On which folder of the platform's host a path inside lies. Absent where the platform does not say. Changes nothing. */
  readonly hostFolder?: ((path: string, context: Context) => Promise<HostFolder>) | undefined
  /**
   * What a program in the container of the server writes, proven whole: for where `open` fails with `unsupported`. Absent where
   * the configuration wants a route without exec.
   */
  readonly output?: ((program: InsideProgram, context: Context) => Bytes) | undefined
  /** A variable of the container in which the server runs. Fails with `notFound` where it has none of this name. */
  variable(name: string, context: Context): Promise<string>
}

export interface VolumesWanted {
  /** The path inside. */
  readonly path: string
  /** In place of the image of the container. */
  readonly image?: string | undefined
}

/** Paths of the host of the platform, which need not be this one. `why` says why there is none. */
export type HostFolder =
  | { readonly path: string; readonly volume: { readonly onHost: string; readonly inside: string } }
  | { readonly why: string }

/** A client of the server that the container has itself. */
export interface InsideProgram {
  /** `host` is the folder of a unix socket where the server is reached by one. */
  argv(server: { readonly host: string; readonly port: number }): readonly [string, ...string[]]
  /** Where the server listens when the configuration does not say. */
  readonly defaultPort: number
  readonly password: Secret | undefined
}

/** A container of the same image, with nothing of the live one but the volumes that were asked for. It ends with this process. */
export interface Spawned {
  readonly place: Place
  /** Absolute, empty, and writable for the user whose programs run in it. */
  readonly folder: string
  /** Again is no failure; works after a cancellation. */
  remove(): Promise<void>
}

export interface LocalSocket {
  readonly folder: string
  /** The number in the name of the socket, `.s.PGSQL.<port>`. */
  readonly port: number
  readonly path: string
  /** Which way was taken, and why none before it. */
  readonly way: string
}
