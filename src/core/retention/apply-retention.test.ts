import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyRetention } from './apply-retention.ts'
import type { RetentionCandidate, RetentionFacts, RetentionPolicy } from './retention.ts'
import { noRules } from '../testing/no-rules.ts'

const DAY = 86_400_000

function factsAt(now: string, changes: Partial<RetentionFacts> = {}): RetentionFacts {
  const calm = {
    storageSkewMilliseconds: 0,
    intervalMilliseconds: DAY,
    lastBackupFailed: false,
    lastDrillFailed: false,
  }
  return { ...calm, now: Date.parse(now), policyChanged: false, damaged: [], alarms: [], ...changes }
}

/** Points in the order of their times, named p01, p02, … from the oldest. */
function history(
  times: readonly string[],
  changes: Readonly<Record<string, Partial<RetentionCandidate>>> = {},
): RetentionCandidate[] {
  return times.map((time, index) => {
    const point = `p${String(index + 1).padStart(2, '0')}`
    const plain = {
      point,
      sequence: index + 1,
      created: Date.parse(time),
      good: true,
      drilled: false,
      held: false,
      inUse: false,
    }
    return { ...plain, ...changes[point] }
  })
}

const sixDays = ['2026-11-17', '2026-11-18', '2026-11-19', '2026-11-20', '2026-11-21', '2026-11-22'].map(
  (day) => `${day}T02:00Z`,
)
const NOW = '2026-11-22T03:00Z'

function kept(
  candidates: readonly RetentionCandidate[],
  policy: Partial<RetentionPolicy>,
  facts = factsAt(NOW),
): string {
  const plan = applyRetention(candidates, { ...noRules, ...policy }, facts)
  return plan.verdicts
    .filter(({ keep }) => keep)
    .map(({ point }) => point)
    .join(' ')
}

function reasonsOf(
  point: string,
  candidates: readonly RetentionCandidate[],
  policy: Partial<RetentionPolicy>,
  facts = factsAt(NOW),
): string {
  const verdict = applyRetention(candidates, { ...noRules, ...policy }, facts).verdicts.find(
    (each) => each.point === point,
  )
  return `${verdict?.keep}: ${verdict?.reasons.join('; ')}`
}

const golden: readonly {
  readonly name: string
  readonly policy: Partial<RetentionPolicy>
  readonly times: readonly string[]
  readonly kept: string
}[] = [
  { name: 'last counts points', policy: { last: 2 }, times: sixDays, kept: 'p06 p05' },
  {
    name: 'daily keeps the newest of each day',
    policy: { daily: 2 },
    times: ['2026-11-20T02:00Z', '2026-11-21T02:00Z', '2026-11-21T14:00Z', '2026-11-22T01:00Z', '2026-11-22T02:00Z'],
    kept: 'p05 p03',
  },
  {
    name: 'days without a point do not count',
    policy: { daily: 3 },
    times: ['2026-11-01T02:00Z', '2026-11-05T02:00Z', '2026-11-20T02:00Z', '2026-11-22T02:00Z'],
    kept: 'p04 p03 p02',
  },
  {
    name: 'the oldest is kept while a rule is not full',
    policy: { monthly: 3 },
    times: ['2026-10-03T02:00Z', '2026-10-31T02:00Z', '2026-11-02T02:00Z', '2026-11-22T02:00Z'],
    kept: 'p04 p02 p01',
  },
  {
    name: 'the oldest is not kept once the rule is full',
    policy: { monthly: 2 },
    times: ['2026-10-03T02:00Z', '2026-10-31T02:00Z', '2026-11-02T02:00Z', '2026-11-22T02:00Z'],
    kept: 'p04 p02',
  },
  {
    name: 'weeks are ISO weeks',
    policy: { weekly: 2 },
    times: ['2026-11-13T02:00Z', '2026-11-15T02:00Z', '2026-11-16T02:00Z', '2026-11-22T02:00Z'],
    kept: 'p04 p02',
  },
  {
    name: 'a year is a calendar year',
    policy: { yearly: 2 },
    times: ['2024-12-31T02:00Z', '2025-01-01T02:00Z', '2025-12-31T02:00Z', '2026-11-22T02:00Z'],
    kept: 'p04 p03',
  },
  {
    name: 'within counts from the newest good point',
    policy: { withinMilliseconds: 2 * DAY },
    times: sixDays,
    kept: 'p06 p05 p04',
  },
  {
    name: 'rules add up',
    policy: { last: 1, weekly: 2, withinMilliseconds: DAY },
    times: ['2026-11-14T02:00Z', '2026-11-15T02:00Z', ...sixDays],
    kept: 'p08 p07 p02',
  },
  {
    name: 'the minimum is filled with the newest',
    policy: { last: 1, minimum: 3 },
    times: sixDays,
    kept: 'p06 p05 p04',
  },
  {
    name: 'the minimum is all there are',
    policy: { last: 1, minimum: 9 },
    times: sixDays,
    kept: 'p06 p05 p04 p03 p02 p01',
  },
  {
    name: 'the calendar is that of the zone',
    policy: { daily: 2, timezone: 'Europe/Paris' },
    times: ['2026-11-20T12:00Z', '2026-11-21T22:30Z', '2026-11-21T23:30Z', '2026-11-22T02:00Z'],
    kept: 'p04 p02',
  },
]

for (const { name, policy, times, kept: expected } of golden) {
  test(name, () => assert.equal(kept(history(times), policy), expected))
}

test('an empty policy removes nothing and says so', () => {
  assert.equal(kept(history(sixDays), {}), 'p06 p05 p04 p03 p02 p01')
  assert.equal(reasonsOf('p01', history(sixDays), {}), 'true: the policy has no rule')
})

for (const policy of [
  { last: -1 },
  { last: Number.NaN },
  { daily: 1.5 },
  { last: 1, minimum: 0 },
  { last: 1, timezone: 'Mars/Olympus' },
  { withinMilliseconds: Infinity },
]) {
  test(`an invalid policy is refused: ${Object.entries(policy).join(' ')}`, () => {
    const plan = applyRetention(history(sixDays), { ...noRules, ...policy }, factsAt(NOW))
    assert.equal(plan.refusals.length, 1)
    assert.ok(plan.verdicts.every(({ keep }) => keep))
  })
}

test('held, used, drilled and newest points stay', () => {
  const points = history(sixDays, {
    p01: { held: true },
    p02: { inUse: true },
    p03: { drilled: true },
    p06: { good: false },
  })
  assert.equal(kept(points, { last: 1 }), 'p06 p05 p03 p02 p01')
  assert.equal(reasonsOf('p03', points, { last: 1 }), 'true: newest drilled point; newest good drilled point')
  assert.equal(reasonsOf('p04', points, { last: 1 }), 'false: no rule keeps it')
})

test('the newest drilled point that is still good stays behind one that failed later', () => {
  const points = history(sixDays, { p01: { drilled: true }, p02: { drilled: true, good: false } })
  assert.equal(kept(points, { last: 1 }), 'p06 p02 p01')
})

test('points that are not good fill no slot', () => {
  const points = history(sixDays, { p03: { good: false }, p04: { good: false }, p05: { good: false } })
  assert.equal(kept(points, { last: 2 }), 'p06 p05 p02')
  assert.equal(reasonsOf('p05', points, { last: 2 }), 'true: not good, but among the newest 2')
  assert.equal(reasonsOf('p03', points, { last: 2 }), 'false: not good, and a newer point is')
  assert.equal(reasonsOf('p04', points, { last: 2, withinMilliseconds: 2 * DAY }), 'true: not good, but recent')
})

test('a point that is not good stays until a newer one is', () => {
  const points = history(sixDays, { p04: { good: false }, p05: { good: false }, p06: { good: false } })
  assert.equal(kept(points, { last: 1 }, factsAt(NOW, { intervalMilliseconds: 9 * DAY })), 'p06 p05 p04 p03')
})

test('points are ordered by sequence, not by time', () => {
  const points = history(sixDays).map((point) => ({ ...point, created: Date.parse(NOW) - point.sequence * 1000 }))
  assert.equal(kept(points, { last: 2 }), 'p06 p05')
})

test('back-dated and future-dated garbage displaces nothing', () => {
  const garbage = ['2020-01-01T00:00Z', '2026-11-22T02:59Z', '2026-11-22T02:58Z']
  const points = history([...sixDays, ...garbage], { p07: { good: false }, p08: { good: false }, p09: { good: false } })
  assert.equal(kept(points, { daily: 4 }), 'p09 p08 p07 p06 p05 p04 p03')
})

const stops: readonly {
  readonly name: string
  readonly facts: Partial<RetentionFacts>
  readonly refused?: string
  readonly frozen?: string
}[] = [
  { name: 'a failed backup', facts: { lastBackupFailed: true }, frozen: 'the last backup failed' },
  { name: 'a failed drill', facts: { lastDrillFailed: true }, frozen: 'the last drill failed' },
  {
    name: 'no young good point',
    facts: { intervalMilliseconds: 1_800_000 },
    frozen: 'no good point is younger than twice the backup interval',
  },
  { name: 'a damaged point', facts: { damaged: ['77'] }, refused: 'restore point 77 cannot be read or trusted' },
  {
    name: 'an alarm',
    facts: { alarms: [{ message: 'point 77 is gone', accept: 'alarm-1' }] },
    refused: 'point 77 is gone',
  },
  {
    name: 'a storage clock ahead',
    facts: { storageSkewMilliseconds: 300_001 },
    refused: 'the clocks of this machine and the storage differ by 300 s',
  },
  {
    name: 'a storage clock behind',
    facts: { storageSkewMilliseconds: -301_000 },
    refused: 'the clocks of this machine and the storage differ by -301 s',
  },
  {
    name: 'a point from the future',
    facts: { now: Date.parse('2026-11-22T01:54Z') },
    refused: 'point p06 is dated in the future or not at all',
  },
]

/** What `last: 1` removes; with the newest in the future, the one before it is the last that counts. */
const OLDER = ['p05', 'p04', 'p03', 'p02', 'p01']

for (const { name, facts, refused, frozen } of stops) {
  test(`${name} keeps everything`, () => {
    const plan = applyRetention(history(sixDays), { ...noRules, last: 1 }, factsAt(NOW, facts))
    assert.ok(plan.verdicts.every(({ keep, reasons }) => keep && reasons.length > 0))
    assert.deepEqual(plan.refusals, refused === undefined ? [] : [refused])
    assert.deepEqual(plan.freezes, frozen === undefined ? [] : [frozen])
    assert.deepEqual(plan.needsApproval, [])
    assert.ok(plan.advice.every((sentence) => /^[A-Z].*\.$/.test(sentence)))
  })

  test(`${name} stops nothing once the id it names is accepted`, () => {
    const policy = { ...noRules, last: 1 }
    const { accept } = applyRetention(history(sixDays), policy, factsAt(NOW, facts))
    assert.equal(accept.length, 1)
    const plan = applyRetention(history(sixDays), policy, { ...factsAt(NOW, facts), accepted: accept })
    const removed = plan.verdicts.filter(({ keep }) => !keep).map(({ point }) => point)
    assert.deepEqual([plan.refusals, plan.freezes, plan.accept], [[], [], []])
    assert.deepEqual(removed, name.includes('future') ? OLDER.slice(1) : OLDER)
    const another = applyRetention(history(sixDays), policy, { ...factsAt(NOW, facts), accepted: ['another'] })
    assert.ok(another.verdicts.every(({ keep }) => keep))
  })
}

test('a point dated in the future moves no window, and is kept while its date has not come', () => {
  const points = history([...sixDays, '2031-01-01T00:00Z'])
  const facts = { ...factsAt(NOW, {}), accepted: ['future-p07'] }
  const all = applyRetention(points, { ...noRules, withinMilliseconds: 25 * 3_600_000 }, facts)
  assert.deepEqual(
    all.verdicts.filter(({ keep }) => keep).map(({ point }) => point),
    ['p07', 'p06', 'p05'],
  )
  assert.deepEqual(
    applyRetention(points, { ...noRules, last: 1 }, { ...facts, now: Date.parse('2026-12-22T03:00Z') }).freezes,
    ['no good point is younger than twice the backup interval'],
  )
})

test('clocks may differ by five minutes', () => {
  assert.equal(
    kept(history(sixDays), { last: 1 }, factsAt('2026-11-22T01:55Z', { storageSkewMilliseconds: 300_000 })),
    'p06',
  )
})

test('a frozen verdict says why, and what rules kept anyway says that', () => {
  const facts = factsAt(NOW, { lastBackupFailed: true })
  assert.equal(reasonsOf('p01', history(sixDays), { last: 1 }, facts), 'true: frozen: the last backup failed')
  assert.equal(
    reasonsOf('p06', history(sixDays), { last: 1 }, facts),
    'true: last 1 of 1; newest point; newest good point',
  )
})

function approvals(count: number, last: number, facts: Partial<RetentionFacts> = {}): readonly string[] {
  const times = Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(NOW) - (count - index) * 60_000).toISOString(),
  )
  return applyRetention(history(times), { ...noRules, last }, factsAt(NOW, facts)).needsApproval
}

test('large removals and changed policies need approval', () => {
  assert.deepEqual(approvals(10, 7), [])
  assert.deepEqual(approvals(10, 6), ['4 of 10 points would be removed, more than 30 %'])
  assert.deepEqual(approvals(40, 30), [])
  assert.deepEqual(approvals(40, 29), ['11 points would be removed at once, more than 10'])
  assert.deepEqual(approvals(10, 9, { policyChanged: true }), ['the policy changed since the last prune'])
  assert.deepEqual(approvals(10, 10, { policyChanged: true }), [])
})
