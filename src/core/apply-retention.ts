import { applyGuards, findApprovals, findFreezes, findRefusals, keepMinimum, keepUnproven } from './retention-guards.ts'
import { applyRules, isEmptyPolicy, type KeepReasons } from './retention-rules.ts'
import type {
  RetentionCandidate,
  RetentionFacts,
  RetentionPlan,
  RetentionPolicy,
  RetentionVerdict,
} from './retention.ts'

/**
 * Decides which points of one app in one repository stay. Pure: a dry run and the real run are this same call.
 *
 * Whatever the arguments, the newest point, the newest good point, the newest drilled point, held points and points in
 * use are kept, and so are `minimum` good points or all there are. An empty or invalid policy removes nothing.
 */
export function applyRetention(
  candidates: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  facts: RetentionFacts,
): RetentionPlan {
  const points = candidates.toSorted(newestFirst)
  const refusals = findRefusals(points, policy, facts)
  if (refusals.length > 0) return keepAll(points, refusals, { refusals, freezes: [] })
  if (isEmptyPolicy(policy)) return keepAll(points, ['the policy has no rule'], { refusals: [], freezes: [] })
  const verdicts = judge(points, policy)
  const freezes = findFreezes(points, facts)
  if (freezes.length > 0) return { ...NOTHING, verdicts: verdicts.map((verdict) => frozen(verdict, freezes)), freezes }
  return { ...NOTHING, verdicts, needsApproval: findApprovals(verdicts, facts) }
}

const NOTHING = { refusals: [], freezes: [], needsApproval: [] }

function newestFirst(a: RetentionCandidate, b: RetentionCandidate): number {
  return b.sequence - a.sequence || (a.point < b.point ? 1 : -1)
}

function judge(points: readonly RetentionCandidate[], policy: RetentionPolicy): RetentionVerdict[] {
  const good = points.filter((candidate) => candidate.good)
  const reasons: KeepReasons = new Map()
  applyRules(good, policy, reasons)
  applyGuards(points, reasons)
  keepUnproven(points, policy, reasons)
  // Last, because it counts what all others keep.
  keepMinimum(good, policy.minimum, reasons)
  return points.map((candidate) => verdictOn(candidate, reasons))
}

function verdictOn({ point, good }: RetentionCandidate, reasons: KeepReasons): RetentionVerdict {
  const kept = reasons.get(point)
  if (kept !== undefined) return { point, keep: true, reasons: kept }
  return { point, keep: false, reasons: [good ? 'no rule keeps it' : 'not good, and a newer point is'] }
}

function frozen(verdict: RetentionVerdict, freezes: readonly string[]): RetentionVerdict {
  return verdict.keep ? verdict : { ...verdict, keep: true, reasons: freezes.map((freeze) => `frozen: ${freeze}`) }
}

function keepAll(
  points: readonly RetentionCandidate[],
  reasons: readonly string[],
  why: Pick<RetentionPlan, 'refusals' | 'freezes'>,
): RetentionPlan {
  return { ...why, needsApproval: [], verdicts: points.map(({ point }) => ({ point, keep: true, reasons })) }
}
