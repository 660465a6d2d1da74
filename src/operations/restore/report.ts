import type { Difference } from '../../core/restore-point.ts'
import type { FailureSummary } from '../backup/report.ts'
import type { RestoredFit } from '../key-fit/prove.ts'
import type { Into } from '../../core/texts/into-text.ts'
import type { Destination } from './order.ts'

export interface RestoreReport {
  readonly restoreId: string
  readonly app: string
  readonly point: string
  readonly mode: Destination
  /** The place, where it is not the app's own. What is said of live data is said of this place. */
  readonly into?: Into
  /** `done`: the restored data is live (or beside, when that was asked). `stopped`: it is not, and `live` says what is. */
  readonly outcome: 'done' | 'stopped'
  /** What is live now. Only a restore in place that stopped on the way may leave a mixture of both. */
  readonly live: 'as before' | 'restored' | 'may be mixed'
  /** What was live before and is retained for undo, for people. */
  readonly previous: readonly string[]
  readonly safetyPoint: string | null
  /** Components that the point lacks, or lacks something of, among those that were to be restored. */
  readonly missing: readonly string[]
  /** Of the content that was loaded whole. */
  readonly bytes: number
  readonly durationMilliseconds: number
  /** From the first fence to the last reopen; 0 when nothing was fenced. */
  readonly downtimeMilliseconds: number
  /** The longest time that a client of the live data had no answer during a swap; null when none was asking. */
  readonly clientSilenceMilliseconds: number | null
  readonly differences: readonly Difference[]
  /** What was restored in another way than it was captured, or not at all, as the operator agreed. */
  readonly remarks: readonly string[]
  /** Whether the keys open what was restored. */
  readonly keyFit: readonly RestoredFit[]
  readonly failure?: FailureSummary
}
