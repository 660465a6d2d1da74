import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  judgeSafety,
  reasonCodes,
  type ReasonCode,
  type RepositoryFacts,
  type SafetyFacts,
  type SafetyPoint,
} from './safety.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const now = Date.parse('2026-11-25T08:30:00Z')
const objectives = { intervalMilliseconds: DAY, rpoMilliseconds: 30 * HOUR, drillIntervalMilliseconds: 35 * DAY }

type Read = Extract<RepositoryFacts, { readonly unread?: undefined }>

function pointOf(hoursAgo: number, change: Partial<SafetyPoint> = {}): SafetyPoint {
  const point = String(100_000 - hoursAgo).padStart(32, '0')
  return { point, created: now - hoursAgo * HOUR, complete: true, disproved: false, drill: undefined, ...change }
}

const drilledPoint = pointOf(30, { drill: { ok: true, at: now - 20 * HOUR } })

function repositoryOf(points: readonly SafetyPoint[], change: Partial<Read> = {}): Read {
  const quiet = {
    damaged: [],
    alarms: [],
    notRead: [],
    freezes: [],
    skewMilliseconds: 0,
    wentBack: undefined,
    closed: undefined,
  }
  return { name: 'local', points, ...quiet, ...change }
}

function factsOf(change: Partial<SafetyFacts> = {}): SafetyFacts {
  const repositories = [repositoryOf([drilledPoint, pointOf(6)])]
  return { app: 'portal', now, readAt: now, objectives, repositories, lastRun: 'none', warnings: [], ...change }
}

const offsite = { name: 'offsite', unread: 'it does not answer' }
const failed = { outcome: 'failed', finished: now - HOUR, message: 'no route' } as const

const cases: readonly [what: string, change: Partial<SafetyFacts>, state: string, code: ReasonCode][] = [
  ['a young point and a drill that passed', {}, 'proven', 'newest-point'],
  ['no drill', { repositories: [repositoryOf([pointOf(6)])] }, 'unproven', 'drill-missing'],
  [
    'an old drill',
    { repositories: [repositoryOf([pointOf(990, { drill: { ok: true, at: now - 36 * DAY } }), pointOf(6)])] },
    'unproven',
    'drill-old',
  ],
  [
    'a drill of an incomplete point',
    { repositories: [repositoryOf([pointOf(30, { complete: false, drill: { ok: true, at: now } }), pointOf(6)])] },
    'unproven',
    'drill-missing',
  ],
  [
    'a drill that failed after one that passed',
    { repositories: [repositoryOf([drilledPoint, pointOf(6, { drill: { ok: false, at: now - HOUR } })])] },
    'at risk',
    'drill-failed',
  ],
  [
    'an old point',
    { repositories: [repositoryOf([drilledPoint])], objectives: { ...objectives, rpoMilliseconds: DAY } },
    'at risk',
    'overdue',
  ],
  [
    'an old point in one of two repositories',
    { repositories: [repositoryOf([drilledPoint, pointOf(6)]), repositoryOf([pointOf(40)], { name: 'offsite' })] },
    'at risk',
    'overdue',
  ],
  [
    'no point in one of two repositories',
    { repositories: [repositoryOf([drilledPoint, pointOf(6)]), repositoryOf([], { name: 'offsite' })] },
    'at risk',
    'no-copy',
  ],
  ['a backup that failed', { lastRun: failed }, 'at risk', 'run-failed'],
  ['a record that cannot be read', { lastRun: 'cannot be read' }, 'unknown', 'fact-missing'],
  [
    'an incomplete newest point',
    { repositories: [repositoryOf([drilledPoint, pointOf(6), pointOf(1, { complete: false })])] },
    'at risk',
    'incomplete',
  ],
  [
    'a newest point that a verify disproved',
    { repositories: [repositoryOf([drilledPoint, pointOf(6), pointOf(1, { disproved: true })])] },
    'at risk',
    'point-failed',
  ],
  [
    'a damaged point',
    {
      repositories: [
        repositoryOf([drilledPoint, pointOf(6)], { damaged: [{ point: 'x', damage: true, message: 'no' }] }),
      ],
    },
    'at risk',
    'damaged',
  ],
  ['an alarm', { repositories: [repositoryOf([drilledPoint, pointOf(6)], { alarms: ['gone'] })] }, 'at risk', 'alarm'],
  [
    'a proof that may not be read',
    { repositories: [repositoryOf([drilledPoint, pointOf(6)], { notRead: ['it may not be read'] })] },
    'at risk',
    'unread',
  ],
  ['a freeze', { repositories: [repositoryOf([drilledPoint, pointOf(6)], { freezes: ['why'] })] }, 'at risk', 'frozen'],
  [
    'a wrong clock',
    { repositories: [repositoryOf([drilledPoint, pointOf(6)], { skewMilliseconds: -HOUR })] },
    'at risk',
    'clock',
  ],
  [
    'a point of tomorrow',
    { repositories: [repositoryOf([drilledPoint, pointOf(6), pointOf(-24)])] },
    'at risk',
    'clock',
  ],
  [
    'a server that went back',
    {
      repositories: [repositoryOf([drilledPoint, pointOf(6)], { wentBack: { message: 'made anew', lastBefore: 'x' } })],
    },
    'at risk',
    'went-back',
  ],
  [
    'a repository that no known key opens',
    { repositories: [repositoryOf([drilledPoint, pointOf(6)], { closed: 'no private key opens it' })] },
    'at risk',
    'closed',
  ],
  [
    'one unread repository of two',
    { repositories: [repositoryOf([drilledPoint, pointOf(6)]), offsite] },
    'at risk',
    'unread',
  ],
  ['no point, and an unread repository', { repositories: [repositoryOf([]), offsite] }, 'unknown', 'unread'],
  ['only unread repositories', { repositories: [offsite] }, 'unknown', 'unread'],
  ['no point at all', { repositories: [repositoryOf([])] }, 'unprotected', 'no-point'],
  [
    'only incomplete points',
    { repositories: [repositoryOf([pointOf(6, { complete: false })])] },
    'unprotected',
    'no-point',
  ],
  ['no repository', { repositories: [] }, 'unknown', 'fact-missing'],
  ['repositories that were not read', { readAt: undefined }, 'unknown', 'state-old'],
  ['repositories that were read 3 minutes ago', { readAt: now - 180_000 }, 'unknown', 'state-old'],
  [
    'an objective that is no number',
    { objectives: { ...objectives, rpoMilliseconds: Number.NaN } },
    'unknown',
    'fact-missing',
  ],
]

for (const [what, change, state, code] of cases) {
  test(`${what}: ${state}`, () => {
    const safety = judgeSafety(factsOf(change))
    assert.equal(safety.state, state)
    assert.ok(
      safety.reasons.some((reason) => reason.code === code),
      JSON.stringify(safety.reasons),
    )
    assert.equal(safety.nextStep === undefined, state === 'proven')
  })
}

test('runs that did not happen are computed from the interval', () => {
  const missedAfter = (hours: number): string | undefined =>
    judgeSafety(factsOf({ repositories: [repositoryOf([pointOf(hours)])] })).reasons.find(
      ({ code }) => code === 'missed-runs',
    )?.message
  assert.equal(missedAfter(29), undefined)
  assert.equal(missedAfter(30), '1 expected run since 2026-11-24 02:30 UTC did not happen')
  assert.equal(missedAfter(78.5), '3 expected runs since 2026-11-22 02:00 UTC did not happen')
})

test('a run that failed did happen', () => {
  const { reasons } = judgeSafety(factsOf({ repositories: [repositoryOf([pointOf(60)])], lastRun: failed }))
  assert.deepEqual(
    reasons.flatMap(({ code }) => (code === 'missed-runs' || code === 'run-failed' ? code : [])),
    ['run-failed'],
  )
})

test('a point that was made after a failed run puts it right', () => {
  const lastRun = { ...failed, finished: now - 7 * HOUR }
  assert.equal(judgeSafety(factsOf({ lastRun })).state, 'proven')
})

test('a warning is said and makes no state', () => {
  const warnings = [{ code: 'lost-together', level: 'warning', message: 'all on one disk' }] as const
  const { state, reasons, nextStep } = judgeSafety(factsOf({ warnings }))
  assert.deepEqual([state, reasons[0]?.code], ['proven', 'lost-together'])
  assert.match(nextStep ?? '', /lostTogether/)
})

test('the worst reason stands first', () => {
  const repositories = [repositoryOf([pointOf(60)], { alarms: ['gone'] })]
  assert.equal(judgeSafety(factsOf({ repositories })).reasons[0]?.code, 'alarm')
})

const time = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -29, max: 0 }).map((hours) => now + hours * HOUR) },
  fc.integer({ min: -2_000, max: 10 }).map((hours) => now + hours * HOUR),
  fc.constantFrom(Number.NaN, Infinity, -Infinity),
)
const anyPoint: fc.Arbitrary<SafetyPoint> = fc.record({
  point: fc.constantFrom('a', 'b', 'c'),
  created: time,
  complete: fc.constantFrom(true, true, false),
  disproved: fc.constantFrom(false, false, true),
  drill: fc.option(fc.record({ ok: fc.constantFrom(true, true, false), at: time }), { nil: undefined }),
})
const few = fc.constantFrom<readonly string[]>([], [], [], ['something'])
const anyRepository: fc.Arbitrary<RepositoryFacts> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(offsite) },
  {
    weight: 5,
    arbitrary: fc
      .record({
        points: fc.array(anyPoint, { maxLength: 4 }),
        alarms: few,
        freezes: few,
        skew: fc.constantFrom(0, 0, 0, HOUR, Number.NaN),
      })
      .map(({ points, alarms, freezes, skew }) => repositoryOf(points, { alarms, freezes, skewMilliseconds: skew })),
  },
)
const anyFacts: fc.Arbitrary<SafetyFacts> = fc
  .record({
    repositories: fc.array(anyRepository, { maxLength: 3 }),
    readAt: fc.constantFrom(now, now, now, undefined, now - HOUR, now + HOUR),
    rpo: fc.constantFrom(30 * HOUR, 30 * HOUR, 0, Number.NaN),
    lastRun: fc.constantFrom('none' as const, 'none' as const, 'cannot be read' as const, failed),
  })
  .map(({ repositories, readAt, rpo, lastRun }) =>
    factsOf({ repositories, readAt, lastRun, objectives: { ...objectives, rpoMilliseconds: rpo } }),
  )

test('whatever the facts, proven needs every one of them', () => {
  let proven = 0
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { state, reasons } = judgeSafety(facts)
      assert.ok(reasons.length > 0)
      assert.ok(reasons.every(({ code }) => reasonCodes.includes(code)))
      if (state !== 'proven') return
      proven += 1
      assert.equal(facts.readAt, now)
      assert.notEqual(facts.lastRun, 'cannot be read')
      for (const repository of facts.repositories) {
        assert.equal(repository.unread, undefined)
        if (repository.unread !== undefined) continue
        assert.deepEqual([repository.alarms, repository.freezes, repository.skewMilliseconds], [[], [], 0])
        const good = repository.points.filter(({ complete, disproved }) => complete && !disproved)
        assert.ok(good.some(({ created }) => now - created <= 30 * HOUR))
      }
      const drills = facts.repositories.flatMap((one) => (one.unread === undefined ? one.points : []))
      assert.ok(drills.some(({ drill, complete }) => complete && drill?.ok === true && now - drill.at <= 35 * DAY))
    }),
    { numRuns: 20_000, seed: 12 },
  )
  assert.ok(proven > 20, `only ${proven} of the runs were proven`)
})

test('what is taken away from the facts of a proven app makes it no longer so', () => {
  const takenAway: readonly Partial<SafetyFacts>[] = [
    { readAt: undefined },
    { repositories: [] },
    { repositories: [repositoryOf([])] },
    { repositories: [repositoryOf([drilledPoint])], now: now + DAY, readAt: now + DAY },
    { repositories: [repositoryOf([pointOf(6)])] },
    { repositories: [...factsOf().repositories, offsite] },
    { lastRun: 'cannot be read' },
    { now: Number.NaN },
  ]
  for (const change of takenAway) assert.notEqual(judgeSafety(factsOf(change)).state, 'proven', JSON.stringify(change))
})
