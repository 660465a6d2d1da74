import type { Context } from '../../core/ports.ts'
import type { Difference } from '../../core/restore-point.ts'
import type { RestoreTarget } from '../target.ts'
import type { ArtifactSource } from '../transfer.ts'
import type { SwapStage } from './stages.ts'

/** A kind that keeps values, and what `valueSwapTarget` must know of it. */
export interface ValueKind<Details, Found extends FoundSwap> extends Pick<
  RestoreTarget<Details>,
  'description' | 'confirmation' | 'preflight'
> {
  /** How it can come that nothing is retained, as a full sentence. */
  readonly whyNotRetained: string
  /** Whether stage `saving` is noted while the previous values are read, because that takes minutes. */
  readonly notesSaving?: boolean
  /** Connects to the store for the time of `act`. */
  connect<Result>(context: Context, act: (store: ValueStore<Details, Found>) => Promise<Result>): Promise<Result>
}

/** What a store keeps of one restore: how far it got, and where. */
export interface FoundSwap {
  readonly record: {
    readonly stage: SwapStage
    /** When it was loaded; once it is over, when it ended. */
    readonly since: string
  }
  readonly stage: {
    save(record: FoundSwap['record']): Promise<void>
    /** Removes everything, the record last: a removal that died is found, and gone on with. */
    remove(): Promise<void>
  }
}

/** A store that is connected, for one call of one restore. */
export interface ValueStore<Details, Found extends FoundSwap> {
  find(): Promise<Found | undefined>
  /**
   * Prepares a load, in the place of an earlier one of this restore if there is one. `found` has the first record,
   * which is not saved yet; `keep` keeps the values.
   */
  load(
    earlier: Found | undefined,
    details: Details,
    source: ArtifactSource,
  ): Promise<{ readonly found: Found; readonly keep: () => Promise<Noted<Found>> }>
  compareLoaded(found: Found, details: Details): Promise<readonly Difference[]>
  /** Compares after the swap. Without it the comparison stays with what was loaded. */
  compareLive?(details: Details): Promise<readonly Difference[]>
  /** To what the restore loaded. */
  forward(found: Found, details: Details): Promise<Change<Found>>
  /** To what was there before the restore. */
  back(found: Found): Promise<Change<Found>>
  /**
   * Goes from the middle of a swap back to `loaded`, with nothing retained. An undo is refused there. Without it `back`
   * is the way out of the middle, by `reopen` and by `undo`.
   */
  takeBack?(found: Found): Promise<void>
  /** Removes what was loaded, after it was brought live. */
  removeLoaded(found: Found): Promise<void>
  /** Fails while what is retained may be the only copy. */
  requireForgettable?(found: Found): Promise<void>
}

/** A change of live values. */
export interface Change<Found extends FoundSwap> {
  /** Retains what is live now of all that will change. */
  retain(): Promise<Noted<Found>>
  /** Applies every value, then reads all of them again. Fails with `incomplete` if one is not as wanted. */
  apply(record: Found['record']): Promise<void>
}

/** What a step adds to the record. */
type Noted<Found extends FoundSwap> = Partial<Found['record']>
