import type { ArtifactKind } from '../core/artifact-kind.ts'
import type { Bytes, Context } from '../core/ports.ts'
import type { PointId } from '../core/restore-point.ts'
import type { Secret } from '../core/secret.ts'
import type {
  ArtifactRecord,
  Commit,
  CommitServer,
  Manifest,
  ManifestComponent,
  ManifestKeyFit,
  MissingComponent,
  Proof,
  ProofKind,
  Tombstone,
} from './documents/documents.ts'
import type { Failure } from '../core/failure.ts'
import type { Packed } from './points/pack.ts'
import type { ProofOutcome } from './points/proofs.ts'
import type { Recording } from './points/record-proof.ts'
import type { SignedCommit } from './documents/signed.ts'

/**
 * Turns storage into encrypted, signed, immutable restore points. The format is docs/reference/format.md.
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

  /** Takes alarms about what this machine saw before as known: they are raised no more. */
  acknowledge(isKnown: (alarm: string) => boolean, context: Context): Promise<void>

  /** Starts a restore point; nothing exists until `commit`. */
  begin(request: BeginRequest, context: Context): Promise<PointWriter>

  /** Opens a point for reading: checks the commit, unwraps the data key, authenticates the manifest. */
  open(point: PointId, identities: readonly Identity[], context: Context): Promise<PointReader>

  /** How many bytes the storage can still take; undefined where it does not tell. Fails where nothing can be written. */
  free(context: Context): Promise<number | undefined>

  /** How far the storage's clock is ahead of ours, in milliseconds. */
  clockSkew(context: Context): Promise<number>

  /**
   * What can be said of a point without loading it: all its artifacts are there with their sizes, and its keys and manifest are
   * those that its commit names. With identities it is opened as well. Fails with `corrupt` when that is not so.
   */
  inspect(about: PointCommit, identities: readonly Identity[], context: Context): Promise<void>

  /** Stores a signed proof; where the repository does not take it, keeps it on this machine, whose catalogs count it. */
  record(about: PointCommit, kind: ProofKind, outcome: ProofOutcome, context: Context): Promise<Recording>

  /** Stores what this machine kept of `record`; gives what failed, which stays kept. */
  storeKeptProofs(context: Context): Promise<readonly Failure[]>

  /** Stores a signed proof, or fails. */
  prove(point: PointId, kind: ProofKind, outcome: ProofOutcome, context: Context): Promise<Proof>

  /** Tombstone first, then the commit: the point is gone at once and can be undeleted until `until`. */
  remove(point: PointId, reason: string, context: Context): Promise<Tombstone>
  undelete(point: PointId, context: Context): Promise<void>
  /** Removes a point and frees its space at once, also of one that was removed before; nothing brings it back. */
  purge(point: PointId, reason: string, context: Context): Promise<SweepReport>
  /** Takes a commit or tombstone away that cannot be read; what it may have named is swept later. */
  dropDamaged(point: PointId, context: Context): Promise<void>

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

  /** Tries out that leases can be taken here, under a name with this id; leaves nothing of it. */
  tryLease(id: string, context: Context): Promise<void>
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
  readonly kind: ArtifactKind
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
  readonly configuration?: Manifest['configuration']
  readonly created: Date
  readonly servers?: readonly CommitServer[]
  /** What the commit says of the point beside the commits that are there, oldest first. */
  readonly remarksBeside?: (commits: readonly Commit[]) => readonly string[]
}

export interface PointReader extends PointCommit {
  readonly manifest: Manifest
  /**
   * The plain content of an artifact. Every chunk is authenticated before its bytes are released; length and hash are checked
   * at the end. `count` is told of the stored bytes as they are read.
   */
  read(number: number, context: Context, count?: (bytes: number) => void): Bytes
  /** Presence and size of every artifact. */
  checkPresence(context: Context): Promise<void>
  /** The SHA-256 of the stored bytes of an artifact, against the commit. Needs no key. */
  checkStored(number: number, context: Context): Promise<void>
}

/** A point by its commit; a proof is about exactly this one. */
export interface PointCommit {
  readonly commit: Commit
  readonly commitSha256: string
}

export interface CatalogPoint extends PointCommit {
  readonly point: PointId
  readonly proofs: readonly Proof[]
  readonly held: boolean
  /** The key id of the trusted signer of the commit. */
  readonly signer: string
}

/**
 * A restore point that cannot be used as its commit says, and why; its commit may be among the points all the same. Prune
 * refuses to run while there is one. `denied` is a signer who is not trusted; `unread` is no verdict: something is in the way.
 */
export interface DamagedPoint {
  readonly point: string
  readonly kind: 'corrupt' | 'denied' | 'unsupported' | 'unread'
  readonly message: string
}

export interface Catalog {
  /** Ordered by (sequence, point id), oldest first. */
  readonly points: readonly CatalogPoint[]
  readonly damaged: readonly DamagedPoint[]
  readonly removed: readonly Tombstone[]
  /** Points this machine saw before that are gone without a tombstone, and other signs of a rolled-back repository. */
  readonly alarms: readonly string[]
  /** Those of the alarms that are no sign of damage: something is in the way of a proof, or may not be read. */
  readonly unread: readonly string[]
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
