import { isTimeZone } from './calendar.ts'
import type { RetentionCandidate, RetentionFacts, RetentionPolicy, RetentionVerdict } from './retention.ts'
import { because, type KeepReasons } from './retention-rules.ts'

/** Clocks that differ by more make every date in the repository doubtful. */
export const SKEW_LIMIT = 5 * 60_000
/** A plan that removes more at once is one that somebody looks at. */
const REMOVALS_AT_ONCE = 10
const PERCENT_AT_ONCE = 30

const protectedKinds: readonly (readonly [name: string, test: (candidate: RetentionCandidate) => boolean])[] = [
  ['point', () => true],
  ['good point', ({ good }) => good],
  ['drilled point', ({ drilled }) => drilled],
  // A point may pass its drill and fail a later verify; then the one before it is the last that is known to restore.
  ['good drilled point', ({ good, drilled }) => good && drilled],
]

/** What is kept whatever the policy says. `points` are all candidates, newest first. */
export function applyGuards(points: readonly RetentionCandidate[], reasons: KeepReasons): void {
  for (const [name, test] of protectedKinds) {
    const newest = points.find(test)
    if (newest !== undefined) because(reasons, newest.point, `newest ${name}`)
  }
  for (const { point, held, inUse } of points) {
    if (held) because(reasons, point, 'held')
    if (inUse) because(reasons, point, 'in use')
  }
}

/** Keeps further good points, newest first, until `minimum` of them are kept. Runs after all other rules. */
export function keepMinimum(good: readonly RetentionCandidate[], minimum: number, reasons: KeepReasons): void {
  const others = good.filter(({ point }) => !reasons.has(point))
  const missing = minimum - (good.length - others.length)
  for (const { point } of others.slice(0, Math.max(0, missing)))
    because(reasons, point, `minimum of ${minimum} good points`)
}

/**
 * Points that are not good fill no slot. Each one stays as evidence until a newer good point replaces it, and while it
 * is among the newest `max(last, minimum)` of all points or inside the `within` window.
 */
export function keepUnproven(
  points: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  reasons: KeepReasons,
): void {
  const newestGood = points.findIndex(({ good }) => good)
  const recent = Math.max(policy.last, policy.minimum)
  const windowStart = (points[newestGood]?.created ?? 0) - policy.withinMilliseconds
  for (const [index, { point, good, created }] of points.entries()) {
    if (good) continue
    if (newestGood === -1 || index < newestGood) because(reasons, point, 'no newer good point')
    else if (index < recent) because(reasons, point, `not good, but among the newest ${recent}`)
    else if (policy.withinMilliseconds > 0 && created >= windowStart) because(reasons, point, 'not good, but recent')
  }
}

/** What makes the whole run refuse. */
export function findRefusals(
  points: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  facts: RetentionFacts,
): string[] {
  const refusals = [...policyFaults(policy), ...facts.alarms]
  if (facts.damaged > 0) refusals.push(`${facts.damaged} of the repository's points cannot be read or trusted`)
  if (!(Math.abs(facts.storageSkewMilliseconds) <= SKEW_LIMIT)) {
    refusals.push(
      `the clocks of this machine and the storage differ by ${Math.round(facts.storageSkewMilliseconds / 1000)} s`,
    )
  }
  for (const { point, created } of points) {
    if (!(created <= facts.now + SKEW_LIMIT)) refusals.push(`point ${point} is dated in the future or not at all`)
  }
  return refusals
}

function policyFaults(policy: RetentionPolicy): string[] {
  const counts = ['last', 'daily', 'weekly', 'monthly', 'yearly'] as const
  const faults = counts
    .filter((rule) => !isCount(policy[rule]))
    .map((rule) => `retention ${rule} is not a whole number from 0`)
  if (!isCount(policy.minimum) || policy.minimum === 0) faults.push('retention minimum is not a whole number from 1')
  if (!isCount(policy.withinMilliseconds)) faults.push('retention within is not a duration')
  if (!isTimeZone(policy.timezone)) faults.push(`retention timezone ${policy.timezone} is not known`)
  return faults
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Why nothing is removed while backups or drills are not in order: what exists may be the last that works. */
export function findFreezes(points: readonly RetentionCandidate[], facts: RetentionFacts): string[] {
  const freezes: string[] = []
  const limit = facts.now - 2 * facts.intervalMilliseconds
  if (facts.lastBackupFailed) freezes.push('the last backup failed')
  if (facts.lastDrillFailed) freezes.push('the last drill failed')
  if (facts.wentBack !== undefined) freezes.push(facts.wentBack)
  if (!points.some(({ good, created }) => good && created > limit))
    freezes.push('no good point is younger than twice the backup interval')
  return freezes
}

/** Why an operator must approve the removals; empty when nothing is removed. */
export function findApprovals(verdicts: readonly RetentionVerdict[], facts: RetentionFacts): string[] {
  const removed = verdicts.filter(({ keep }) => !keep).length
  if (removed === 0) return []
  const approvals: string[] = []
  if (removed > REMOVALS_AT_ONCE)
    approvals.push(`${removed} points would be removed at once, more than ${REMOVALS_AT_ONCE}`)
  if (removed * 100 > verdicts.length * PERCENT_AT_ONCE)
    approvals.push(`${removed} of ${verdicts.length} points would be removed, more than ${PERCENT_AT_ONCE} %`)
  if (facts.policyChanged) approvals.push('the policy changed since the last prune')
  return approvals
}
