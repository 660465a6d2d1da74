import type { AcceptId } from '../core/accept-ids.ts'
import type { Bytes, Context } from '../core/ports.ts'
import type { Place } from '../core/lost-together.ts'
import type { Difference, Finding, TargetMode } from '../core/restore-point.ts'
import type { Secret } from '../core/secret.ts'
import type { ServerMoment } from '../core/server-moment.ts'
import type { z } from 'zod'
import type { Dumps } from './dumps.ts'

/**
 * A driver knows one kind of component: how to read all of it, how to write it back beside the live data, and how to
 * tell whether what is there equals what was captured. Settings and Details are validated by its schemas; Details go
 * into the encrypted manifest, so they may name things but never hold passwords.
 */
export interface Driver<Settings = unknown, Details = unknown> {
  readonly kind: string
  readonly settings: z.ZodType<Settings>
  readonly details: z.ZodType<Details>

  /** Everything a backup of this component will need. Changes nothing. */
  check(settings: Settings, context: Context): Promise<readonly Finding[]>
  /** The same without what the capture looks for by itself, where that takes long. */
  checkBeforeCapture?(settings: Settings, context: Context): Promise<readonly Finding[]>

  /** Reads the whole component at one moment; an artifact is complete when `sink.write` resolves. Nothing is left out unsaid. */
  capture(settings: Settings, sink: ArtifactSink, context: Context): Promise<Captured<Details>>

  /**
   * Reads the captured archives to their end with the tool that would restore them, and restores nothing. Fails with
   * `corrupt` when the tool cannot read them. A full read only; it never counts as proof of a restore.
   */
  examine(details: Details, source: ArtifactSource, context: Context): Promise<void>

  /** What earlier restores keep for undo on the target of these settings, newest first. */
  kept(settings: Settings, context: Context): Promise<readonly Kept[]>
  /** What one of them takes; undefined where the target does not tell. */
  keptBytes?(settings: Settings, kept: Kept, context: Context): Promise<number | undefined>

  /**
   * The statements that give the role of the settings exactly the rights that it needs, as text to be read and run by an
   * administrator. Changes nothing. Absent where rights are not given by statements.
   */
  grants?(settings: Settings, purpose: GrantPurpose, context: Context): Promise<string>
  /** The least rights that an act needs, in the language of the server, where it has one. Changes nothing. */
  policy?(settings: Settings, purpose: 'capture' | 'restore', context: Context): Promise<string>

  /**
   * What restores and drills loaded beside the live data of these settings, by whomever, that nobody is using at this
   * moment. Whether one is still wanted, its caller knows.
   */
  beside?(settings: Settings, context: Context): Promise<readonly Beside[]>

  /**
   * Puts back the snapshot of a whole server that a point holds, in place of all that the server has. Refuses a server with
   * other keys unless the request says who keeps those of the captured one.
   */
  restoreSnapshot?(
    settings: Settings,
    details: Details,
    source: ArtifactSource,
    request: SnapshotRequest,
    context: Context,
  ): Promise<SnapshotRestored>

  /** Opens the place a restore goes to. Changes nothing until its methods are called. */
  open(settings: Settings, request: TargetRequest, context: Context): Promise<Target<Details>>

  /** For kinds that have a form of their own which other programs write and read. */
  readonly dumps?: Dumps<Settings, Details>

  /** For kinds that keep secrets by path, of which other programs write lists. */
  readonly secretLists?: SecretLists<Settings, Details>

  /** The value that the captured artifacts hold under this name, for key fit. Undefined when they hold none. */
  capturedSecret?(details: Details, source: ArtifactSource, name: string, context: Context): Promise<Secret | undefined>

  /** The value that the app has under this name now, for key fit. Undefined when there is none. */
  liveSecret?(settings: Settings, name: string, context: Context): Promise<Secret | undefined>

  /** Rows of the live data, for key fit. Runs nothing that is not built in, as a capture does. */
  liveRows?(settings: Settings, query: EvidenceQuery, context: Context): AsyncIterable<EvidenceRow>

  /** Whether this file of the host is in what is captured. */
  holdsFile?(settings: Settings, path: string): Promise<boolean>

  /** What the component lies on, as far as it can be seen from here. */
  place?(settings: Settings, context: Context): Promise<Place>

  /** Where the server is now; undefined when it does not say. Changes nothing. */
  serverMoment?(settings: Settings, context: Context): Promise<ServerMoment | undefined>

  /** What people may see of captured secrets. */
  fingerprints?(details: Details): readonly SecretFingerprint[]
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
   * What a real read said afterwards: `read` a captured secret; `denied`, the server answers but no longer knows this
   * login; `sealed` until people give its keys; `other values`, none of a few captured secrets.
   */
  readonly state: 'not touched' | 'read' | 'denied' | 'sealed' | 'other values'
}

export interface SecretFingerprint {
  readonly name: string
  /** Keyed and cut off: it tells equal from other within one restore point, and no value can be guessed at with it. */
  readonly fingerprint: string
  readonly trailingNewline: boolean
  readonly source: string
}

/** The values of a row in the text form of the database; a bytea is `\x…`. */
export type EvidenceRow = Readonly<Record<string, string | null>>

/** One reading statement of key fit, and after how many rows to stop. */
export interface EvidenceQuery {
  readonly sql: string
  readonly limit: number
}

/**
 * Takes what key fit needs at the moment of a capture: rows of the very snapshot that is dumped, and the very secrets
 * that are stored. A driver that cannot give it leaves it.
 */
export interface EvidenceTaker {
  readonly queries: readonly EvidenceQuery[]
  /** The names that are asked for; of others nothing is kept. */
  readonly secrets: readonly string[]
  /** Reads all of `rows`; how they fail is noted and fails nothing. */
  rows(query: EvidenceQuery, rows: AsyncIterable<EvidenceRow>): Promise<void>
  /** `value` was made by `secretOfBytes`, here and in `capturedSecret` and `liveSecret`. */
  secret(name: string, value: Secret): void
}

/** Secrets by path in and out: newest values only, as lists of other programs have them. */
export interface SecretLists<Settings = unknown, Details = unknown> {
  /** Reads the whole list once, and refuses what no server takes, before anything is stored. Changes nothing. */
  take(settings: Settings, list: SecretList): Promise<TakenSecrets<Details>>
  /** `place` as in a list; fails when there is a choice and it is not made. */
  give(details: Details, source: ArtifactSource, place: string | undefined): Promise<GivenSecrets>
}

export interface ListedSecret {
  readonly path: string
  /** The text of a JSON object. */
  readonly json: Secret
}

export interface SecretList {
  /** Of the file that it is from. */
  readonly origin: { readonly source: string; readonly sha256: string; readonly bytes: number }
  readonly created: string
  /** Where the paths belong, for example a mount; when absent, where the settings leave no choice. */
  readonly place?: string | undefined
  /** All of it, anew with each call. */
  secrets(): AsyncIterable<ListedSecret>
}

export interface TakenSecrets<Details = unknown> {
  /** Stores the list as the secrets of an app are stored. */
  capture(sink: ArtifactSink): Promise<Captured<Details>>
}

export interface GivenSecrets {
  readonly secrets: AsyncIterable<ListedSecret>
  /** Plain sentences: what such a list does not hold. Known once the secrets were read. */
  leftOut(): readonly string[]
}

export type GrantPurpose = 'backup' | 'restore'

export interface ArtifactSink {
  /** Which attempt it is, from 1: others changed or locked the component at each one before. */
  readonly attempt?: number
  /**
   * `kind` is the number of docs/reference/format.md section 4. Several writes may run at once. A chunk of `content` may be
   * overwritten once the next is asked for: who keeps one copies it.
   */
  write(role: string, kind: 1 | 2 | 3 | 4 | 6, content: Bytes): Promise<void>
  /** Random, the same for the whole restore point, made by `secretOfBytes`: under it, secrets are told apart. */
  readonly fingerprintKey?: Secret
  readonly evidence?: EvidenceTaker
}

export type ArtifactSizes = Pick<ArtifactSource, 'sizeOf'>

export interface ArtifactSource {
  /**
   * The plain content of the artifact with this role; can be read several times. Chunks belong to whoever reads them: the
   * memory of large ones may be given back.
   */
  read(role: string): Bytes
  /** The bytes that `read` gives, as the manifest says. */
  sizeOf(role: string): number
  readonly roles: readonly string[]
}

export interface Captured<Details> {
  readonly details: Details
  /** Plain sentences: what a restore will not bring back. */
  readonly notCaptured: readonly string[]
  /** Plain sentences: what should be in the point and could not be read, while the rest is. The point is incomplete. */
  readonly incomplete?: readonly string[]
  /** What was looked for beside the reading because it takes as long. */
  readonly findings?: readonly Finding[]
  /** Where the server was, for kinds that have one with a history. */
  readonly server?: ServerMoment | undefined
}

/** Previous data that a swap set aside. */
export interface Kept {
  readonly restoreId: string
  readonly description: string
  readonly since: Date
  /** After this time `prune` removes it. */
  readonly until: Date
  /** Nothing was live before: an undo takes the restored data away and leaves nothing. */
  readonly wasNothing?: boolean
}

/** Data that a restore or drill loaded beside the live data and did not bring live. */
export interface Beside {
  readonly restoreId: string
  readonly description: string
  readonly since: Date
}

interface AnyTargetRequest {
  /** Names what this restore makes, so that a later run finds it again: 8 lower-case hexadecimal digits. */
  readonly restoreId: string
  /** What the operator agreed to restore without, where it cannot be made again. */
  readonly accept?: readonly AcceptId[] | undefined
}

export interface LiveTargetRequest extends AnyTargetRequest {
  readonly mode: Exclude<TargetMode, 'scratch'>
}

export interface ScratchTargetRequest extends AnyTargetRequest {
  readonly mode: 'scratch'
  /** An existing private folder of Holdfast's own. */
  readonly scratchFolder: string
}

export type TargetRequest = LiveTargetRequest | ScratchTargetRequest

/**
 * What a restore sees of a target, derived from the world and not from a journal:
 * - `untouched`: nothing of this restore is there;
 * - `beside`: something was loaded beside, perhaps only in part;
 * - `fenced`: writers are locked out, the live data is still the old;
 * - `swapped`: the restored data is live and the previous is kept (not yet open, or open).
 */
export type TargetState = 'untouched' | 'beside' | 'fenced' | 'swapped'

/** One restore of one component. Every method is idempotent: a run that died is repeated by calling it again. */
export interface Target<Details = unknown> {
  /** For people: what will be replaced, for example `database authentik on db.internal:5432`. */
  readonly description: string
  /** What the operator must type to confirm, for example `authentik`. */
  readonly confirmation: string

  state(context: Context): Promise<TargetState>
  /** What would make this restore fail or lose something. Changes nothing. The sizes of artifacts, when they are known. */
  preflight(details: Details, context: Context, artifacts?: ArtifactSizes): Promise<readonly Finding[]>
  /**
   * Artifacts that `load` takes as mere data into a place of their own, so that they need not be authenticated before
   * but only by its end. Nothing of them may be run as code or put among live data until then. None when absent.
   */
  authenticatedByLoad?(details: Details): readonly string[]
  /** Loads beside (swap, scratch) or over the live data (in-place). What an earlier run left half-done is removed first. */
  load(details: Details, source: ArtifactSource, context: Context): Promise<void>
  /**
   * In place only: whether nothing that `load` did is in the live data, because it failed before its first commit. Absent where
   * nobody can say; then a load that was begun counts as if something were.
   */
  isAsBefore?(context: Context): Promise<boolean>
  /**
   * Reads what was loaded again and compares it with what was captured. `source` is what it was loaded from: with it a
   * server can be asked whether it only words a definition otherwise; without it, that is a difference.
   */
  compare(details: Details, context: Context, source?: ArtifactSource): Promise<readonly Difference[]>
  /**
   * The content of what was loaded as a text that is equal for equal content, where the backup compared none of it with its
   * source and left that to drills; otherwise undefined, and `compare` has compared it.
   */
  content?(details: Details, context: Context): Promise<string | undefined>
  /** Scratch only: what was tried beyond loading and comparing, as words of this code: they go into a proof for everybody. */
  rehearsed?(): readonly string[]
  /** Plain sentences: what was loaded in another way than it was captured, or not at all, as `accept` allows. */
  remarks?(): readonly string[]
  /** Runs the app's own checks on what was loaded; an empty list means all passed (or there are none). */
  runChecks(context: Context): Promise<readonly Difference[]>
  /** Rows of what was loaded, for key fit; one reading statement, at most `limit` rows. */
  rows?(query: EvidenceQuery, context: Context): AsyncIterable<EvidenceRow>
  /**
   * Swap only: a client of the live data that asks one question after another, from before the fence until it has an answer
   * after `reopen`. Undefined when there is nothing live or it gets no answer. Never fails.
   */
  watch?(context: Context): Promise<ClientWatch | undefined>
  /** Locks writers out and waits until none is left. */
  fence(context: Context): Promise<void>
  /** Carries over what must survive (preserved tables, settings, owner), then makes the restored data live. All or nothing. */
  swap(details: Details, context: Context): Promise<void>
  /** Lets writers in again: to the new data after a swap, to the old one otherwise. */
  reopen(context: Context): Promise<void>
  /** Removes what was loaded beside; never touches live or previous data. */
  discard(context: Context): Promise<void>
  /** Makes the previous data live again. What the restore brought is kept aside until `forget`. */
  undo(context: Context): Promise<void>
  /** Removes the data kept for undo, or what an undo set aside. */
  forget(context: Context): Promise<void>
  /**
   * Scratch only: lets what was loaded outlive this process, so that somebody can look around in it, and says where it
   * is. `discard` of the same target in a later process ends and removes it. Kinds without it cannot be looked at.
   */
  leave?(context: Context, options?: LeaveOptions): Promise<LeftPlace>
}

export interface LeaveOptions {
  /** Applications of this machine may connect over the loopback, where it is a server. */
  readonly listen?: boolean
}

/** What an application sees of a swap. */
export interface ClientWatch {
  /** Waits for one more answer, and gives the longest time in milliseconds between two; undefined when none comes. */
  stop(): Promise<number | undefined>
  /** Ends it at once. */
  abandon(): Promise<void>
}

/** Where a scratch restore left a component to be looked at. */
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
