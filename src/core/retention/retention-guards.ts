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
