import type { Failure } from '../../core/failure.ts'
import type { KeyFitResult } from '../../key-fit/verdict.ts'
import type { CommitServer } from '../../repository/documents/documents.ts'
import type { Finding, PointId, TruthState } from '../../core/restore-point.ts'

export interface BackupReport {
  readonly app: string
  readonly point: PointId
  /** What somebody said of it. */
  readonly note?: string
  /** No prune removes it until it is released. */
  readonly held?: boolean
  /** `done`: every component is in every repository. `incomplete`: something is missing, and what is there is good. */
  readonly outcome: 'done' | 'incomplete'
  /** How far this backup proved itself. */
  readonly truth: TruthState
  readonly created: string
  readonly durationMilliseconds: number
  readonly components: readonly ComponentOutcome[]
  readonly repositories: readonly RepositoryOutcome[]
  /** Whether the captured keys open the captured data. */
  readonly keyFit: readonly KeyFitResult[]
  readonly findings: readonly Finding[]
  /** That a server went back since the point before: data may be missing that was there. */
  readonly alarms: readonly string[]
  readonly servers: readonly CommitServer[]
  /** Why workloads that the backup stopped do not run again; the point is as good as without. */
  readonly notResumed?: FailureSummary
}

export interface ComponentOutcome {
  readonly name: string
  readonly kind: string
  readonly outcome: 'captured' | 'failed'
  /** Of the content, before compression. */
  readonly bytes: number
  readonly durationMilliseconds: number
  readonly notCaptured: readonly string[]
  /** What the settings leave out. */
  readonly onPurpose?: readonly string[] | undefined
  readonly failure?: FailureSummary
}

export interface RepositoryOutcome {
  readonly name: string
  readonly location: string
  readonly outcome: 'committed' | 'failed'
  readonly storedBytes: number
  /** Reading back what was stored, added up over artifacts; several are read at once. */
  readonly readBackMilliseconds: number
  readonly remarks: readonly string[]
  readonly failure?: FailureSummary
}

/** A failure inside a report. */
export interface FailureSummary {
  readonly kind: Failure['kind']
  readonly message: string
  readonly hint?: string
}

export function summarize(failure: Failure): FailureSummary {
  return { kind: failure.kind, message: failure.message, ...(failure.hint === undefined ? {} : { hint: failure.hint }) }
}
