import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'

/** A loaded scratch target that people may look around in. */
export interface ScratchCopy {
  /**
   * Lets the copy outlive this process, and says where it is. `discard` of the same target in a later process ends and
   * removes it.
   */
  leave(context: Context, options?: LeaveOptions): Promise<LeftPlace>
}

export interface LeaveOptions {
  /** Applications of this machine may connect over the loopback, where it is a server. */
  readonly listen?: boolean
}

export interface LeftPlace {
  readonly folder: string
  /** How to connect, where it is a server. */
  readonly server?: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly database: string
    /** Holds the password as libpq reads it. */
    readonly passwordFile: string
    /** A line for a shell. */
    readonly command: string
  }
  /** For an application, with a password that is made for it and kept nowhere. */
  readonly url?: Secret
}
