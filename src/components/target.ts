import type { AcceptId } from '../core/accept-ids.ts'
import type { Context } from '../core/ports.ts'
import type { Difference, Finding, TargetMode } from '../core/restore-point.ts'
import type { ScratchCopy } from './capabilities/scratch-copy.ts'
import type { EvidenceQuery, EvidenceRow } from './evidence.ts'
import type { ArtifactSizes, ArtifactSource } from './transfer.ts'

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
  /** An existing private folder of Holdfast's own, which all components of the app share. */
  readonly scratchFolder: string
}

export type TargetRequest = LiveTargetRequest | ScratchTargetRequest

/**
 * How far one restore got. A target reads it from the world and never from a journal:
 * - `untouched`: nothing of this restore is there, or it was undone;
 * - `staged`: something was loaded beside, perhaps only in part;
 * - `fenced`: writers are locked out, or live data is half changed; `swap` goes forward and `reopen` back;
 * - `swapped`: the restored data is live and the previous is kept. Writers may still be locked out.
 */
export type TargetState = 'untouched' | 'staged' | 'fenced' | 'swapped'

/**
 * One restore of one component. Every method may be called again: a run that died is repeated by the same calls. A
 * restore that was undone is over: the next has an id of its own.
 *
 * What a `swap` target does in each state. `→` names the state afterwards, `=` is "changes nothing", `refused` is a
 * failure of that kind, and `-` is never called:
 *
 * | method                             | untouched             | staged            | fenced       | swapped       |
 * | ---------------------------------- | --------------------- | ----------------- | ------------ | ------------- |
 * | `state`, `preflight`               | yes                   | yes               | yes          | yes           |
 * | `load`                             | → staged              | → staged, anew    | -            | refused       |
 * | `compare`, `content`, `runChecks`, `rows` | -              | yes               | -            | -             |
 * | `fence`                            | -                     | → fenced (1)      | =            | locks out     |
 * | `swap`                             | refused               | → swapped (2)     | → swapped    | =             |
 * | `reopen`                           | =                     | =                 | → staged     | lets in       |
 * | `discard`                          | =                     | → untouched       | -            | =             |
 * | `undo`                             | = after an undo, or refused | -           | -            | → untouched   |
 * | `forget`                           | removes what an undo set aside | -        | -            | → untouched   |
 *
 * 1. Kinds without a lock stay in `staged`. 2. Kinds with a lock refuse until it is fenced.
 *
 * What half a swap had brought may be kept aside after `reopen`, as after an undo.
 *
 * An `in-place` target writes over the live data: `preflight`, `fence`, `load`, `compare`, `reopen`. It keeps nothing for
 * undo, but for kinds that say so. A `scratch` target has a place of its own: `preflight`, `load`, `compare`, `copy`,
 * `discard`; it refuses `swap` and `undo`.
 */
export interface RestoreTarget<Details = unknown> {
  /** What will be replaced, for people, for example `database authentik on db.internal:5432`. */
  readonly description: string
  /** What the operator must type to confirm, for example `authentik`. */
  readonly confirmation: string

  state(context: Context): Promise<TargetState>
  /** What would make this restore fail or lose something. Changes nothing. `artifacts` only where their sizes are known. */
  preflight(details: Details, context: Context, artifacts?: ArtifactSizes): Promise<readonly Finding[]>
  /**
   * Roles of artifacts that `load` takes as mere data into a place of their own. They need not be authenticated before,
   * only by its end. Until then nothing of them runs as code or is among live data. None when absent.
   */
  authenticatedByLoad?(details: Details): readonly string[]
  /** Loads beside, into the scratch place, or over the live data. Removes first what an earlier run left half done. */
  load(details: Details, source: ArtifactSource, context: Context): Promise<void>
  /**
   * In place only: whether a load that failed changed nothing of the live data. Absent where nobody can say; then a load
   * that was begun counts as a change.
   */
  isAsBefore?(context: Context): Promise<boolean>
  /**
   * Reads what was loaded again and compares it with what was captured. With `source` a server can be asked whether it
   * only words a definition in another way; without, that is a difference.
   */
  compare(details: Details, context: Context, source?: ArtifactSource): Promise<readonly Difference[]>
  /**
   * A text that is equal for equal content of what was loaded. Undefined where `compare` has compared the content; it has
   * not where the backup left that to drills.
   */
  content?(details: Details, context: Context): Promise<string | undefined>
  /** Scratch only: what was tried beyond loading and comparing, as words of this code. A proof shows them to everybody. */
  rehearsed?(): readonly string[]
  /** Plain sentences: what `accept` allowed to load in another way than it was captured, or not at all, and what the point leaves unproven. */
  remarks?(): readonly string[]
  /** Runs the app's own checks on what was loaded. An empty list means that all passed, or that there are none. */
  runChecks(context: Context): Promise<readonly Difference[]>
  /** Rows of what was loaded, for key fit: one reading statement, at most `limit` rows. */
  rows?(query: EvidenceQuery, context: Context): AsyncIterable<EvidenceRow>
  /**
   * Swap only: a client that asks the live data one question after another, from before the fence until an answer after
   * `reopen`. Undefined when nothing is live or it gets no answer. Never fails.
   */
  watch?(context: Context): Promise<ClientWatch | undefined>
  /** Locks writers out and waits until none is left, where the kind has a lock. */
  fence(context: Context): Promise<void>
  /** Carries over what must survive (preserved tables, settings, owner), then makes the restored data live. */
  swap(details: Details, context: Context): Promise<void>
  /** Lets writers in again: to the restored data after a swap, otherwise to the old, whole. */
  reopen(context: Context): Promise<void>
  /** Removes what was loaded beside. Never touches live or previous data. */
  discard(context: Context): Promise<void>
  /** Makes the previous data live again. What the restore brought is kept aside until `forget`. */
  undo(context: Context): Promise<void>
  /** Removes the data retained for undo, or what an undo set aside. */
  forget(context: Context): Promise<void>
  /** Scratch only, for kinds that people can look around in. */
  readonly copy?: ScratchCopy
}

/** What an application sees of a swap. */
export interface ClientWatch {
  /** Waits for one more answer, and gives the longest time in milliseconds between two; undefined when none comes. */
  stop(): Promise<number | undefined>
  /** Ends it at once. */
  abandon(): Promise<void>
}
