import type { Difference } from '../../core/restore-point.ts'
import type { MissingComponent } from '../../repository/documents/documents.ts'
import type { FailureSummary } from '../backup/report.ts'
import { isGoodFit, type RestoredFit } from '../key-fit/prove.ts'
import type { Recorded } from '../proof/record-verdict.ts'
import type { DrilledContent } from '../restore/drilled-content.ts'

export interface DrillReport extends Recorded {
  readonly app: string
  readonly point: string
  readonly note?: string
  /** `scratch`: a throw-away server and folder. `staged`: beside the live data on its own server. */
  readonly where: 'scratch' | 'staged'
  /** `restored in part`: all that the point holds came back as it was captured, and the point lacks something: `missing`. */
  readonly outcome: 'restored' | 'restored in part' | 'failed'
  /** Whether all of the app was restored: `outcome` is `restored`. */
  readonly ok: boolean
  /** What the backup could not capture, so that no restore of the point brings it back. */
  readonly missing: readonly MissingComponent[]
  readonly differences: readonly Difference[]
  /**
   * What of the data was compared. `counts`: numbers of rows only, as the backup left the content to drills and none had
   * kept it; `counts and an earlier drill`: the content also with what that one restored.
   */
  readonly compared: 'content' | 'counts' | 'counts and an earlier drill'
  readonly keyFit: readonly RestoredFit[]
  /** What was restored in another way than it was captured, or not at all, as the operator agreed. */
  readonly remarks: readonly string[]
  readonly failure?: FailureSummary
  /** What of the throw-away target could not be removed; takes nothing away from the verdict. */
  readonly cleanupFailure?: FailureSummary
  readonly components: readonly {
    readonly name: string
    readonly kind: string
    readonly target: string
    /** Of its content, once it was loaded whole; 0 before. */
    readonly bytes: number
  }[]
  /** The time a restore of this point took here, from opening it to the last check; null when it was not restored whole. */
  readonly recoveryTimeMilliseconds: number | null
  readonly durationMilliseconds: number
}

/** What a rehearsal found out. */
export interface Rehearsed extends Pick<
  DrillReport,
  'compared' | 'differences' | 'keyFit' | 'missing' | 'components' | 'remarks'
> {
  readonly contents: DrilledContent
  readonly rehearsed: readonly string[]
  readonly failure?: FailureSummary
}

/** A key that is absent because the point says that it is makes the restore one in part, and no failure. */
export function outcomeOf({ failure, differences, keyFit, missing }: Rehearsed): DrillReport['outcome'] {
  const isLacking = missing.length > 0
  const bad = keyFit.filter((fit) => !isGoodFit(fit) && !(isLacking && isUnproven(fit)))
  if (failure !== undefined || differences.length > 0 || bad.length > 0) return 'failed'
  return isLacking ? 'restored in part' : 'restored'
}

function isUnproven({ verdict }: RestoredFit): boolean {
  return verdict === 'fits' || verdict === 'not-provable'
}

/**
 * What of a report is signed. `ok` says that all of the app was restored, so that no reader ever takes a drill of an
 * incomplete point for one; what such a drill did prove is a fact beside it.
 */
export function proofOf(report: Omit<DrillReport, keyof Recorded>, { contents, rehearsed }: Rehearsed) {
  const { where, recoveryTimeMilliseconds, compared, remarks, keyFit, missing } = report
  const facts = {
    where,
    ...(recoveryTimeMilliseconds === null ? {} : { recoveryTimeMilliseconds }),
    differences: report.differences.length,
    ...(report.outcome === 'restored in part' ? { inPart: true } : {}),
    ...(missing.length === 0 ? {} : { missing: [...new Set(missing.map(({ name }) => name))] }),
    ...(compared === 'content' ? {} : { compared, content: contents }),
    ...(remarks.length === 0 ? {} : { remarks: remarks.length }),
    ...(rehearsed.length === 0 ? {} : { rehearsed }),
    // Proofs can be read by everybody, so that what the key fits are called is not in them.
    ...(keyFit.length === 0 ? {} : { keyFit: keyFit.map(({ verdict }) => verdict) }),
  }
  return { ok: report.ok, facts }
}
