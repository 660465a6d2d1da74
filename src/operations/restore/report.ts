import type { Difference } from '../../core/restore-point.ts'
import type { FailureSummary } from '../backup/report.ts'
import type { RestoredFit } from '../key-fit/prove.ts'
import type { RestorePlan } from './plan.ts'

export interface RestoreReport {
  readonly restoreId: string
  readonly app: string
  readonly point: string
  readonly mode: RestorePlan['mode']
  /** `done`: the restored data is live (or beside, when that was asked). `stopped`: the live data is as before. */
  readonly outcome: 'done' | 'stopped'
  readonly safetyPoint: string | null
  readonly bytes: number
  readonly durationMilliseconds: number
  /** From the first fence to the last reopen; 0 when nothing was fenced. */
  readonly downtimeMilliseconds: number
  readonly differences: readonly Difference[]
  /** Whether the keys open what was restored. */
  readonly keyFit: readonly RestoredFit[]
  readonly failure?: FailureSummary
}
