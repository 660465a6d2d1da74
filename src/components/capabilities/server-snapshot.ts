import type { Context } from '../../core/ports.ts'
import type { ArtifactSource } from '../transfer.ts'

/** Snapshots of a whole server, beside what is captured of it piece by piece. */
export interface ServerSnapshot<Settings = unknown, Details = unknown> {
  /**
   * Puts the captured snapshot back, in place of all that the server has. Refuses a server with other keys unless the
   * request says who keeps the keys of the captured one.
   */
  restore(
    settings: Settings,
    details: Details,
    source: ArtifactSource,
    request: SnapshotRequest,
    context: Context,
  ): Promise<SnapshotRestored>
}

export interface SnapshotRequest {
  /** Who keeps the keys that open the captured server. Undefined: only the same server is restored. */
  readonly custody: string | undefined
  /** Checks everything and changes nothing. */
  readonly onlyLook: boolean
}

export interface SnapshotRestored {
  /** Onto a server with other keys. */
  readonly forced: boolean
  /**
   * What a real read said afterwards:
   * - `read`: it read a captured secret;
   * - `denied`: the server answers, but no longer knows this login;
   * - `sealed`: the server waits for people to give its keys;
   * - `other values`: none of a few captured secrets has its captured value.
   */
  readonly state: 'not touched' | 'read' | 'denied' | 'sealed' | 'other values'
}
