import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { applyRetention } from './apply-retention.ts'
import type { RetentionCandidate, RetentionFacts, RetentionPolicy } from './retention.ts'

const HOUR = 3_600_000
const runs = { numRuns: 500 }

// Stretches of time around what is hard: both clock changes, a leap day, a year of 53 weeks, a skipped day, any time.
const anchors = [
  '2026-03-29T01:00Z',
  '2026-10-25T01:00Z',
  '2024-02-29T12:00Z',
  '2027-01-01T00:00Z',
  '2011-12-30T10:00Z',
  '2026-06-15T12:00Z',
]
const zones = ['UTC', 'Europe/Paris', 'America/New_York', 'Pacific/Apia', 'Asia/Kathmandu', 'Australia/Lord_Howe']

/** Of all points that a history here may have, and of everything else that stops. */
const EVERY_ID = [
  'alarm-1',
  'clock-skew',
  'damaged-77',
  'failed-backup',
  'failed-drill',
  'overdue-backup',
  ...Array.from({ length: 14 }, (_, index) => `future-${String(index).padStart(32, '0')}`),
]

const flag = (weight: number): fc.Arbitrary<boolean> => fc.integer({ min: 1, max: weight }).map((value) => value === 1)
const offsetHours = fc.oneof(
  fc.integer({ min: -72, max: 72 }),
  fc.integer({ min: -1_500, max: 0 }),
  fc.integer({ min: -20_000, max: 0 }),
)

interface History {
  readonly points: readonly RetentionCandidate[]
  readonly anchor: number
}

const histories: fc.Arbitrary<History> = fc
  .record({
    anchor: fc.constantFrom(...anchors).map((text) => Date.parse(text)),
    drafts: fc.array(
      fc.record({
        hours: offsetHours,
        sequence: fc.integer({ min: 1, max: 14 }),
        bad: flag(4),
        drilled: flag(5),
        held: flag(12),
        inUse: flag(12),
      }),
      { maxLength: 14 },
    ),
  })
  .map(({ anchor, drafts }) => ({
    anchor,
    points: drafts.map(({ hours, sequence, bad, drilled, held, inUse }, index) => ({
      point: String(index).padStart(32, '0'),
      sequence,
      created: anchor + hours * HOUR,
      good: !bad,
      drilled,
      held,
      inUse,
    })),
  }))

const policies: fc.Arbitrary<RetentionPolicy> = fc.record({
  last: fc.integer({ min: 0, max: 4 }),
  daily: fc.integer({ min: 0, max: 4 }),
  weekly: fc.integer({ min: 0, max: 3 }),
  monthly: fc.integer({ min: 0, max: 3 }),
  yearly: fc.integer({ min: 0, max: 3 }),
  withinMilliseconds: fc.constantFrom(0, 0, HOUR, 48 * HOUR, 720 * HOUR),
  minimum: fc.integer({ min: 1, max: 4 }),
  timezone: fc.constantFrom(...zones),
})

/** Facts under which something may be removed; the newest time in any history is 72 h after its anchor. */
function calm(anchor: number): RetentionFacts {
  const intervalMilliseconds = 30_000 * HOUR
  const quiet = { storageSkewMilliseconds: 0, lastBackupFailed: false, lastDrillFailed: false, policyChanged: false }
  return { ...quiet, now: anchor + 72 * HOUR, intervalMilliseconds, damaged: [], alarms: [] }
}

const rank = (point: RetentionCandidate): string => String(point.sequence).padStart(9, '0') + point.point
const newestFirst = (points: readonly RetentionCandidate[]): RetentionCandidate[] =>
  points.toSorted((a, b) => (rank(a) < rank(b) ? 1 : -1))

/** The rules again, as sets: slow, by other means, and not reading the code under test. */
function naiveKept({ points }: History, policy: RetentionPolicy): Set<string> {
  const { last, daily, weekly, monthly, yearly, withinMilliseconds } = policy
  const hasRule = [last, daily, weekly, monthly, yearly, withinMilliseconds].some((count) => count > 0)
  const kept = new Set(
    points.filter((point) => !hasRule || naiveSingle(point, points, policy) || naiveGuarded(point, points)),
  )
  const good = newestFirst(points.filter(({ good }) => good))
  for (const point of naivePeriods(good, policy)) kept.add(point)
  for (const point of good) if ([...kept].filter(({ good }) => good).length < policy.minimum) kept.add(point)
  return new Set([...kept].map(({ point }) => point))
}

/** What keeps a point by itself, without periods. */
function naiveSingle(
  point: RetentionCandidate,
  points: readonly RetentionCandidate[],
  policy: RetentionPolicy,
): boolean {
  const newer = points.filter((other) => rank(other) > rank(point))
  const newerGood = newer.filter(({ good }) => good)
  const newestGood = newestFirst(points.filter(({ good }) => good))[0]
  const age = newestGood === undefined ? Infinity : newestGood.created - point.created
  if (policy.withinMilliseconds > 0 && age <= policy.withinMilliseconds) return true
  if (point.good) return newerGood.length < policy.last
  return newerGood.length === 0 || newer.length < Math.max(policy.last, policy.minimum)
}

function naiveGuarded(point: RetentionCandidate, points: readonly RetentionCandidate[]): boolean {
  const isNewestOf = (test: (point: RetentionCandidate) => boolean): boolean =>
    test(point) && !points.some((other) => test(other) && rank(other) > rank(point))
  return (
    point.held ||
    point.inUse ||
    isNewestOf(() => true) ||
    isNewestOf(({ good }) => good) ||
    isNewestOf(({ drilled }) => drilled) ||
    isNewestOf(({ good, drilled }) => good && drilled)
  )
}

/** `good` is newest first: the heads of its groups, and its end while there are too few groups. */
function naivePeriods(good: readonly RetentionCandidate[], policy: RetentionPolicy): RetentionCandidate[] {
  const rules = [
    [policy.daily, naiveDay],
    [policy.weekly, naiveWeek],
    [policy.monthly, naiveMonth],
    [policy.yearly, naiveYear],
  ] as const
  return rules.flatMap(([count, label]) => {
    const groups = Object.groupBy(good, ({ created }) => label(created, policy.timezone))
    const heads = newestFirst(Object.values(groups).flatMap((group) => group?.[0] ?? []))
    return heads.length < count ? [...heads, ...good.slice(-1)] : heads.slice(0, count)
  })
}

const naiveDay = (time: number, timeZone: string): string =>
  new Date(time).toLocaleString('sv-SE', { timeZone }).slice(0, 10)
const naiveMonth = (time: number, timeZone: string): string => naiveDay(time, timeZone).slice(0, 7)
const naiveYear = (time: number, timeZone: string): string => naiveDay(time, timeZone).slice(0, 4)
/** A week is named by its Monday; which number it has does not matter for what is kept. */
function naiveWeek(time: number, timeZone: string): string {
  const date = new Date(`${naiveDay(time, timeZone)}T00:00Z`)
  while (date.toUTCString().slice(0, 3) !== 'Mon') date.setUTCDate(date.getUTCDate() - 1)
  return date.toISOString()
}

const keptBy = (history: History, policy: RetentionPolicy, facts: RetentionFacts): string[] =>
  applyRetention(history.points, policy, facts)
    .verdicts.filter(({ keep }) => keep)
    .map(({ point }) => point)

test('what is kept is what a naive reading of the rules keeps', () => {
  fc.assert(
    fc.property(histories, policies, (history, policy) => {
      fc.pre(history.points.some(({ good }) => good))
      assert.deepEqual(keptBy(history, policy, calm(history.anchor)).sort(), [...naiveKept(history, policy)].sort())
    }),
    runs,
  )
})

const anyFacts = (anchor: number): fc.Arbitrary<RetentionFacts> =>
  fc.record({
    now: fc.integer({ min: -200, max: 200 }).map((hours) => anchor + hours * HOUR),
    storageSkewMilliseconds: fc.constantFrom(0, 0, 0, 299_999, -300_001, 86_400_000),
    intervalMilliseconds: fc.constantFrom(HOUR, 24 * HOUR, 30_000 * HOUR),
    lastBackupFailed: flag(5),
    lastDrillFailed: flag(5),
    policyChanged: fc.boolean(),
    damaged: fc.constantFrom([], [], [], ['77']),
    alarms: fc.constantFrom([], [], [{ message: 'a point is gone', accept: 'alarm-1' }]),
    accepted: fc.constantFrom([], [], EVERY_ID),
  })

const situations = histories.chain((history) =>
  fc.record({
    history: fc.constant(history),
    facts: fc.oneof(anyFacts(history.anchor), fc.constant(calm(history.anchor))),
  }),
)

test('whatever happens, the last points that can be trusted stay', () => {
  fc.assert(
    fc.property(situations, policies, ({ history, facts }, policy) => {
      const plan = applyRetention(history.points, policy, facts)
      const order = history.points.toSorted((a, b) => a.sequence - b.sequence || a.point.localeCompare(b.point))
      const keeps = new Set(plan.verdicts.filter(({ keep }) => keep).map(({ point }) => point))
      const left = order.filter(({ point }) => keeps.has(point))
      for (const one of [
        () => true,
        (p: RetentionCandidate) => p.good,
        (p: RetentionCandidate) => p.drilled,
        (p: RetentionCandidate) => p.good && p.drilled,
      ]) {
        assert.equal(left.findLast(one), order.findLast(one))
      }
      const goodCount = order.filter(({ good }) => good).length
      assert.ok(left.filter(({ good }) => good).length >= Math.min(policy.minimum, goodCount))
      assert.ok(order.every(({ held, inUse, point }) => !(held || inUse) || keeps.has(point)))
      assert.equal(plan.verdicts.length, order.length)
      assert.ok(plan.verdicts.every(({ reasons }) => reasons.length > 0))
      if (plan.refusals.length + plan.freezes.length > 0) assert.equal(keeps.size, order.length)
    }),
    runs,
  )
})

test('nothing is removed without approval that is more than ten points, or more than 30 %, or by a new policy', () => {
  fc.assert(
    fc.property(situations, policies, ({ history, facts }, policy) => {
      const plan = applyRetention(history.points, policy, facts)
      const removed = plan.verdicts.filter(({ keep }) => !keep).length
      const isLarge = removed > 0 && (removed > 10 || removed * 10 > history.points.length * 3 || facts.policyChanged)
      assert.equal(plan.needsApproval.length > 0, isLarge)
    }),
    runs,
  )
})

test('points that are not good never cause the removal of a good one', () => {
  fc.assert(
    fc.property(histories, policies, (history, policy) => {
      const withoutGarbage = { ...history, points: history.points.filter(({ good }) => good) }
      const before = new Set(keptBy(withoutGarbage, policy, calm(history.anchor)))
      const after = new Set(keptBy(history, policy, calm(history.anchor)))
      assert.ok([...before].every((point) => after.has(point)))
    }),
    runs,
  )
})

test('a prune that stopped part way, oldest first, wants the rest and nothing more', () => {
  fc.assert(
    fc.property(histories, policies, fc.nat({ max: 14 }), (history, policy, done) => {
      const facts = calm(history.anchor)
      const kept = keptBy(history, policy, facts)
      const removals = newestFirst(history.points.filter(({ point }) => !kept.includes(point))).reverse()
      const gone = new Set(removals.slice(0, done))
      const left = { ...history, points: history.points.filter((point) => !gone.has(point)) }
      assert.deepEqual(keptBy(left, policy, facts), kept)
    }),
    runs,
  )
})
