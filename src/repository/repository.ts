import type { Bytes, Context } from '../core/ports.ts'
import type { PointId } from '../core/restore-point.ts'
import type { Secret } from '../core/secret.ts'
import type {
  ArtifactRecord,
  Commit,
  Manifest,
  ManifestComponent,
  ManifestKeyFit,
  MissingComponent,
  Proof,
  ProofKind,
  Tombstone,
} from './documents.ts'
import type { Packed } from './pack.ts'
import type { SignedCommit } from './signed.ts'

/**
 * Turns storage into encrypted, signed, immutable restore points. The format is docs/format.md.
 */
export interface Repository {
  readonly id: string
  readonly location: string
  /** Marked on every point that is made here, for example `insecure TLS`. */
  readonly remarks: readonly string[]
  /** Whether two writers are kept apart; see `StorageFeatures`. */
  readonly createOnly: boolean

  /**
   * All that is in the repository, read whole: every commit with the outcome of checking it, every tombstone.
   * Also compares with what this machine saw before and updates that memory.
   */
  catalog(context: Context): Promise<Catalog>

  /** Starts a restore point; nothing exists until `commit`. */
  begin(request: BeginRequest, context: Context): Promise<PointWriter>

  /** Opens a point for reading: checks the commit, unwraps the data key, authenticates the manifest. */
  open(point: PointId, identities: readonly Identity[], context: Context): Promise<PointReader>

  /** How far the storage's clock is ahead of ours, in milliseconds. */
  clockSkew(context: Context): Promise<number>

  /** Stores a signed proof. */
  prove(
    point: PointId,
    kind: ProofKind,
    outcome: { readonly ok: boolean; readonly facts: Proof['facts'] },
    context: Context,
  ): Promise<Proof>

  /** Tombstone first, then the commit: the point is gone at once and can be undeleted until `until`. */
  remove(point: PointId, reason: string, context: Context): Promise<Tombstone>
  undelete(point: PointId, context: Context): Promise<void>

  /**
   * Encrypts a point's data key to other recipients and removes its older keys; touches no data. One of `identities`
   * must open the point before and after.
   */
  rewrap(
    point: PointId,
    identities: readonly Identity[],
    recipients: readonly string[],
    context: Context,
  ): Promise<void>

  /**
   * Removes data of points whose tombstone is past its time, and blobs under `data/` that no commit and no tombstone
   * names and that are older than 96 h by the storage's clock. Refuses when any commit is unreadable.
   */
  sweep(context: Context): Promise<SweepReport>

  /**
   * Takes the exclusive right on a scope; `locked` when another holder is alive. To know that, a held lease is watched
   * for up to its time-to-live, unless `wait` is false.
   */
  lease(scope: string, context: Context, options?: { readonly wait?: boolean }): Promise<Lease>
}

export interface Identity {
  /** An `AGE-SECRET-KEY-1…` line. */
  readonly key: Secret
}

export interface BeginRequest {
  readonly app: string
  /** Made by the caller so that several repositories can hold the same point. */
  readonly point: PointId
  readonly recipients: readonly string[]
  /** Said of the point in its commit, beside what is said of its repository. */
  readonly remarks?: readonly string[]
  /** What somebody says of it, for everybody to read. */
  readonly note?: string | undefined
  /** Holds it by its own commit, so that no prune can come between. */
  readonly held?: boolean | undefined
  /** Of who makes many points in one run: what was read is put here, and not read again for the next one. */
  readonly known?: KnownCommits
}

/** Commits of one repository by their point. A blob is never changed, so within one run they stay what they are. */
export type KnownCommits = Map<PointId, SignedCommit>

export interface ArtifactSpec {
  readonly component: string
  readonly role: string
  readonly kind: ArtifactRecord['kind']
}

export interface PointWriter {
  readonly repository: Repository
  readonly point: PointId
  /**
   * Encrypts and stores one artifact. Resolves only after the stream ended without throwing and the storage has it
   * whole. Several may run at once. When the stream throws, nothing is stored and the same error is thrown on.
   */
  write(spec: ArtifactSpec, packed: Packed): Promise<ArtifactRecord>
  /**
   * Reads an artifact again, every byte of it, and decrypts it; `corrupt` when a byte differs from what was written. What it
   * decrypts to is authentic, so it is not decompressed again: `verify` does that.
   */
  readBack(record: ArtifactRecord): Promise<void>
  /** Writes manifest, keys and commit, in this order. Fails when an artifact was not read back. */
  commit(content: PointContent): Promise<{ readonly commit: Commit; readonly commitSha256: string }>
  /** Removes what was stored; for points that will not be committed. Never throws. */
  abandon(): Promise<void>
}

export interface PointContent {
  readonly components: readonly ManifestComponent[]
  readonly missing: readonly MissingComponent[]
  readonly keyFit?: ManifestKeyFit
  readonly created: Date
}

export interface PointReader {
  readonly commit: Commit
  readonly commitSha256: string
  readonly manifest: Manifest
  /** The plain content of an artifact. Every chunk is authenticated before its bytes are released; length and hash are checked at the end. */
  read(number: number, context: Context): Bytes
  /** Presence and size of every artifact. */
  checkPresence(context: Context): Promise<void>
  /** The SHA-256 of the stored bytes of an artifact, against the commit. Needs no key. */
  checkStored(number: number, context: Context): Promise<void>
}

export interface CatalogPoint {
  readonly point: PointId
  readonly commit: Commit
  readonly commitSha256: string
  readonly proofs: readonly Proof[]
  readonly held: boolean
  /** The key id of the trusted signer of the commit. */
  readonly signer: string
}

/** A commit that cannot be used, and why. Prune refuses to run while there is one. */
export interface DamagedPoint {
  readonly point: string
  readonly kind: 'corrupt' | 'denied' | 'unsupported'
  readonly message: string
}

export interface Catalog {
  /** Ordered by (sequence, point id), oldest first. */
  readonly points: readonly CatalogPoint[]
  readonly damaged: readonly DamagedPoint[]
  readonly removed: readonly Tombstone[]
  /** Points this machine saw before that are gone without a tombstone, and other signs of a rolled-back repository. */
  readonly alarms: readonly string[]
}

export interface SweepReport {
  readonly removedBlobs: number
  readonly removedBytes: number
}

export interface Lease {
  readonly generation: number
  /** Fires when the lease was lost or could not be renewed in time; stop destructive work at once. */
  readonly lost: AbortSignal
  /** Fails with `locked` unless the lease is surely still ours; call immediately before each destructive act. */
  assertHeld(): void
  release(): Promise<void>
}
