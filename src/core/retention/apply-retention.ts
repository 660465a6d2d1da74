import { applyGuards, findApprovals, keepMinimum, keepUnproven } from './retention-guards.ts'
import { applyRules, because, isEmptyPolicy, type KeepReasons } from './retention-rules.ts'
import { findFreezes, findRefusals, isFuture } from './retention-stops.ts'
import type {
  RetentionCandidate,
  RetentionFacts,
  RetentionPlan,
  RetentionPolicy,
  RetentionVerdict,
  Stop,
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
  if (refusals.length > 0)
    return {
      ...NOTHING,
      ...waysPast(refusals),
      refusals: messagesOf(refusals),
      verdicts: keepAll(points, messagesOf(refusals)),
    }
  if (isEmptyPolicy(policy)) return { ...NOTHING, verdicts: keepAll(points, ['the policy has no rule']) }
  const verdicts = judge(points, policy, facts)
  const freezes = findFreezes(points, facts)
  if (freezes.length === 0) return { ...NOTHING, verdicts, needsApproval: findApprovals(verdicts, facts) }
  const kept = verdicts.map((verdict) => frozen(verdict, messagesOf(freezes)))
  return { ...NOTHING, ...waysPast(freezes), verdicts: kept, freezes: messagesOf(freezes) }
}

const NOTHING = { refusals: [], freezes: [], needsApproval: [], accept: [], advice: [] }

function messagesOf(stops: readonly Stop[]): readonly string[] {
  return stops.map(({ message }) => message)
}

function waysPast(stops: readonly Stop[]): Pick<RetentionPlan, 'accept' | 'advice'> {
  return {
    accept: stops.flatMap(({ accept }) => (accept === undefined ? [] : [accept])),
    advice: [...new Set(stops.map(({ advice }) => advice))],
  }
}

function newestFirst(a: RetentionCandidate, b: RetentionCandidate): number {
  return b.sequence - a.sequence || (a.point < b.point ? 1 : -1)
}

function judge(
  points: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  facts: RetentionFacts,
): RetentionVerdict[] {
  // One dated in the future fills no slot, or windows would end years before all the others.
  const dated = points.filter((candidate) => !isFuture(candidate, facts))
  const good = dated.filter((candidate) => candidate.good)
  const reasons: KeepReasons = new Map()
  for (const { point } of points.filter((one) => !dated.includes(one))) because(reasons, point, 'dated in the future')
  applyRules(good, policy, reasons)
  applyGuards(points, reasons)
  if (dated.length < points.length) applyGuards(dated, reasons)
  keepUnproven(dated, policy, reasons)
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

function keepAll(points: readonly RetentionCandidate[], reasons: readonly string[]): RetentionVerdict[] {
  return points.map(({ point }) => ({ point, keep: true, reasons }))
}
