import type { z } from 'zod'
import type { FailureDomain } from '../core/safety/lost-together.ts'
import type { ServerAddress } from '../platforms/server-address.ts'
import type { Context } from '../core/ports.ts'
import type { Finding } from '../core/restore-point.ts'
import type { ServerMoment } from '../core/safety/server-moment.ts'
import type { RestoreDestination } from './capabilities/destination.ts'
import type { Dumps } from './capabilities/dumps.ts'
import type { Rights } from './capabilities/rights.ts'
import type { SecretLists } from './capabilities/secret-lists.ts'
import type { ServerSnapshot } from './capabilities/server-snapshot.ts'
import type { EvidenceQuery, EvidenceRow, SecretEvidence } from './evidence.ts'
import type { RestoreTarget, TargetRequest } from './target.ts'
import type { ArtifactSink, ArtifactSource, Captured } from './transfer.ts'

/**
 * A driver knows one kind of component: how to read all of it, how to write it back, and how to tell whether what is
 * there equals what was captured. `testing/contract.ts` tests what is promised here and in `target.ts`.
 *
 * Settings come from the configuration. Details come from a capture and go into the encrypted manifest: they may name
 * things, and never hold passwords. The schemas of the driver validate both.
 */
export interface Driver<Settings = unknown, Details = unknown> {
  readonly kind: string
  readonly settings: z.ZodType<Settings>
  readonly details: z.ZodType<Details>

  /** Tries everything that a backup of this component will need. Changes nothing. */
  check(settings: Settings, context: Context): Promise<readonly Finding[]>
  /** `check` without what takes long and `capture` checks itself. Absent where all of `check` is quick. */
  checkBeforeCapture?(settings: Settings, context: Context): Promise<readonly Finding[]>

  /** Reads the whole component at one moment. What it leaves out, it says. */
  capture(settings: Settings, sink: ArtifactSink, context: Context): Promise<Captured<Details>>

  /**
   * Reads the captured artifacts to their end with the tool that would restore them, and restores nothing. Fails with
   * `corrupt` when the tool cannot read them. It never counts as proof of a restore.
   */
  examine(details: Details, source: ArtifactSource, context: Context): Promise<void>

  /** Opens the place that a restore goes to. Changes nothing until a method of the target is called. */
  open(settings: Settings, request: TargetRequest, context: Context): Promise<RestoreTarget<Details>>

  /** What earlier restores keep for undo on the target of these settings, newest first. */
  listRetained(settings: Settings, context: Context): Promise<readonly RetainedCopy[]>
  /** The size of one of them; undefined where the target does not tell. */
  retainedBytes?(settings: Settings, copy: RetainedCopy, context: Context): Promise<number | undefined>
  /**
   * What restores and drills of anybody loaded beside the live data, and nobody uses at this moment. The caller knows
   * whether it is still wanted.
   */
  listStaged?(settings: Settings, context: Context): Promise<readonly StagedRestore[]>

  /** What the component lies on, as far as it can be seen from here. */
  place?(settings: Settings, context: Context): Promise<FailureDomain>
  /** Where the server listens, for one that is reached by its address. */
  server?(settings: Settings): ServerAddress['at'] | undefined
  /** Where the server is now; undefined when it does not say. Changes nothing. */
  serverMoment?(settings: Settings, context: Context): Promise<ServerMoment | undefined>
  /** Whether a capture would hold this file of the host. */
  holdsFile?(settings: Settings, path: string): Promise<boolean>
  /** Rows of the live data, for key fit. Like a capture, it runs no code of the database. */
  liveRows?(settings: Settings, query: EvidenceQuery, context: Context): AsyncIterable<EvidenceRow>

  /** Reading it whole is cheap, and gives the same bytes while nothing changes: who looks for changes does so every few minutes. */
  readonly isWatchable?: true

  /** For kinds that can be restored into another place than the configured one. */
  readonly destination?: RestoreDestination<Settings>
  /** For kinds that hold keys. */
  readonly secrets?: SecretEvidence<Settings, Details>
  /** For kinds whose server gives rights. */
  readonly rights?: Rights<Settings>
  /** For kinds with a form of their own that other programs write and read. */
  readonly dumps?: Dumps<Settings, Details>
  /** For kinds that keep secrets by path. */
  readonly secretLists?: SecretLists<Settings, Details>
  /** For kinds whose server makes snapshots of all that it has. */
  readonly serverSnapshot?: ServerSnapshot<Settings, Details>
}

/** Previous data that a swap set aside, or what an undo set aside. */
export interface RetainedCopy {
  readonly restoreId: string
  /** For people: what is retained and where, or that nothing was live before. */
  readonly description: string
  readonly since: Date
  /** After this time `prune` removes it. */
  readonly until: Date
  /** Nothing was live before: an undo takes the restored data away and leaves nothing. */
  readonly wasNothing?: boolean
}

/** Data that a restore or drill loaded beside the live data and did not bring live. */
export interface StagedRestore {
  readonly restoreId: string
  readonly description: string
  readonly since: Date
}
