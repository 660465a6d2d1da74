import { calendarIn, type CalendarPeriods } from './calendar.ts'
import type { RetentionCandidate, RetentionPolicy } from './retention.ts'

/** Why points are kept, by point. A point that is not in it is kept by nothing. */
export type KeepReasons = Map<string, string[]>

const calendarRules = [
  ['daily', 'day'],
  ['weekly', 'week'],
  ['monthly', 'month'],
  ['yearly', 'year'],
] as const satisfies readonly (readonly [keyof RetentionPolicy, keyof CalendarPeriods])[]

export function isEmptyPolicy(policy: RetentionPolicy): boolean {
  return policy.last + policy.daily + policy.weekly + policy.monthly + policy.yearly + policy.withinMilliseconds === 0
}

/** Adds to `reasons` what the policy keeps of `good`, the good points, newest first. */
export function applyRules(good: readonly RetentionCandidate[], policy: RetentionPolicy, reasons: KeepReasons): void {
  good
    .slice(0, policy.last)
    .forEach(({ point }, index) => because(reasons, point, `last ${index + 1} of ${policy.last}`))
  const periodsAt = calendarIn(policy.timezone)
  const periods = good.map(({ created }) => periodsAt(created))
  for (const [rule, period] of calendarRules) {
    keepPerPeriod(
      good,
      periods.map((all) => all[period]),
      { name: rule, count: policy[rule] },
      reasons,
    )
  }
  keepWithin(good, policy.withinMilliseconds, reasons)
}

/**
 * Keeps the newest point of each period until `count` periods are filled. Periods without points do not count. When
 * the points run out first, the oldest one is kept too: it is the only one that reaches back as far as the rule asks.
 */
function keepPerPeriod(
  good: readonly RetentionCandidate[],
  periods: readonly string[],
  rule: { readonly name: string; readonly count: number },
  reasons: KeepReasons,
): void {
  const filled = new Set<string>()
  for (const [index, { point }] of good.entries()) {
    const period = periods[index] ?? ''
    if (filled.size === rule.count) return
    if (!filled.has(period)) because(reasons, point, `${rule.name} ${period}`)
    else if (index === good.length - 1) because(reasons, point, `oldest, while ${rule.name} is not full`)
    filled.add(period)
  }
}

/** Counted from the newest good point and not from the clock, so that a pause of backups removes nothing. */
function keepWithin(good: readonly RetentionCandidate[], window: number, reasons: KeepReasons): void {
  const newest = good[0]
  if (newest === undefined || window === 0) return
  for (const { point, created } of good) {
    if (created >= newest.created - window) because(reasons, point, `within ${spell(window)} of the newest good point`)
  }
}

function spell(milliseconds: number): string {
  const hours = milliseconds / 3_600_000
  return hours % 24 === 0 ? `${hours / 24} d` : `${hours} h`
}

export function because(reasons: KeepReasons, point: string, reason: string): void {
  const known = reasons.get(point)
  if (known === undefined) reasons.set(point, [reason])
  else known.push(reason)
}
