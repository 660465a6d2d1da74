import type { Duplex, Readable, Writable } from 'node:stream'
import { Failure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'

/**
 * Where one component's server runs: one container, found and pinned. Once that container is replaced every act fails
 * with `unreachable`, which `isGone`, and names it; nothing ever goes to its successor unseen. Nothing is written inside.
 * `testing/place-contract.ts` tests what is promised here.
 */
export interface Place {
  /** For people: `container app-db-1` or `pod identity/postgres-0, container postgres`. */
  readonly name: string
  /** The image that it was made from. */
  readonly image: string
  /** Where this host may reach a port of it without help, by TCP. Whether it does is for the caller to try. */
  addresses(port: number, context: Context): Promise<readonly Address[]>
  /** The platform's own way to a TCP port inside; absent where it has none. */
  forward?(port: number, context: Context): Promise<Duplex>
  /** Starts a program: argv, no shell and no terminal. Fails with `notFound` where the program is not there. */
  start(argv: readonly [string, ...string[]], context: Context): Promise<RunningProgram>
  /** A variable of the container's environment as its programs see it, for example `POSTGRES_PASSWORD`. Undefined when unset. */
  variable(name: string, context: Context): Promise<string | undefined>
}

export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * A program inside. Its streams hold back whoever is faster. A connection that is cut, also by the context's signal, rejects
 * `ended` and destroys the streams with an error, so that no cut stream reads like a whole one. Nobody has to listen: neither
 * such a rejection nor an error of a stream ends this process.
 */
export interface RunningProgram {
  /** Ending it gives the program an end of input, and output goes on. */
  readonly stdin: Writable
  readonly stdout: Readable
  /** The last 4 KiB of what it wrote there. */
  readonly stderr: () => string
  /**
   * Its exit code, after all of stdout was given. For a program that was killed it is not 0. Rejects with `unreachable` when
   * nobody can tell it, and after `stop`; with `cancelled` when the signal fired.
   */
  readonly ended: Promise<number>
  /** Ends the connection, once or again; the program is told so by the end of its input, as a relay must be. */
  stop(): void
}

/** Whether a failure says that the place is gone for good: then no other way leads there either. */
export function isGone(error: unknown): boolean {
  return error instanceof Failure && error.facts['gone'] === true
}
