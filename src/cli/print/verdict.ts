import type { Ending } from '../ending.ts'
import type { PointSummary } from '../../operations/points/list-points.ts'
import type { Recorded } from '../../operations/proof/record-verdict.ts'
import type { VerifyReport } from '../../operations/verify/execute.ts'

interface Verdict extends Pick<Recorded, 'recordingFailure'> {
  readonly failed: boolean
  /** All went well that could, and that is not all of the app. */
  readonly isInPart?: boolean
}

/** The worst that is to be said: damage, then a proof that was not recorded, then what the point lacks. */
export function endingOfVerdict({ failed, recordingFailure, isInPart = false }: Verdict): Ending {
  if (failed) return 'corrupt'
  if (recordingFailure !== undefined) return recordingFailure.kind
  return isInPart ? 'incomplete' : 'done'
}

/** What is not in the point, so that no restore of it brings it back. */
export function formatMissing(missing: VerifyReport['missing']): string[] {
  return missing.map(({ name, kind, reason }) => `  not in the point: ${name} (${kind}): ${reason}`)
}

export function formatRecording({ recordingFailure, keptHere }: Recorded): string[] {
  if (recordingFailure === undefined) return []
  const { message, hint } = recordingFailure
  return [
    `NOT RECORDED in the repository: ${message}`,
    ...(hint === undefined ? [] : [`  ${hint}`]),
    keptHere === true
      ? '  The signed proof is kept on this machine. points and prune here count it; the next verify, drill, backup or prune here stores it.'
      : '  The proof is not kept on this machine either: run this again once that is repaired.',
  ]
}

/**
 * What a point is today. What was true when it was made is not said of one that was found to be bad; of several copies
 * another may be good. What a drill brought back of an incomplete point is never all of the app.
 */
export function formatState(
  { complete, truth, restoredInPart, failedProof, repositories }: PointSummary,
  isDamaged = false,
): string {
  const bad = isDamaged ? 'DAMAGED' : failedProof === null ? undefined : 'FAILED'
  const state = bad === undefined || repositories.length > 1 ? undefined : bad
  if (complete) return state ?? truth
  return ['INCOMPLETE', state ?? (restoredInPart === null ? [] : 'restored in part')].flat().join(', ')
}
