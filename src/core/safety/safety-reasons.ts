import type { RepositoryFacts, SafetyFacts, SafetyPoint, SafetyReason } from './safety.ts'
import { SKEW_LIMIT } from '../retention/retention-guards.ts'
import { spellMoment, spellSpan } from '../texts/spell-span.ts'

/** A state that was read longer ago is not the state of now. */
const STATE_LIMIT = 120_000

type ReadRepository = Extract<RepositoryFacts, { readonly unread?: undefined }>

/** Every reason that the facts give, also those that speak for the app. */
export function reasonsOf(facts: SafetyFacts): readonly SafetyReason[] {
  const { now, readAt, repositories } = facts
  const missing = missingFacts(facts)
  if (missing.length > 0) return missing
  if (readAt === undefined || Math.abs(now - readAt) > STATE_LIMIT)
    return [{ code: 'state-old', level: 'unknown', message: 'the repositories were not read just now' }]
  const read = repositories.filter((one): one is ReadRepository => one.unread === undefined)
  return [
    ...repositories.flatMap(unreadReasons),
    ...read.flatMap((repository) => ofRepository(repository, facts, read)),
    ...runReasons(facts, read),
    ...pointReasons(facts, read),
    ...drillReasons(facts, read),
  ]
}

/** What no verdict can do without. A number that is none compares as false with everything, and so would be green. */
function missingFacts({ now, objectives, repositories }: SafetyFacts): readonly SafetyReason[] {
  const { intervalMilliseconds, rpoMilliseconds, drillIntervalMilliseconds } = objectives
  const spans = [intervalMilliseconds, rpoMilliseconds, drillIntervalMilliseconds]
  const said = [
    ...(Number.isFinite(now) ? [] : ['the time of now']),
    ...(spans.every((span) => Number.isFinite(span) && span > 0) ? [] : ['an objective']),
    ...(repositories.length > 0 ? [] : ['a repository']),
  ]
  return said.map((what) => ({ code: 'fact-missing', level: 'unknown', message: `${what} is not known` }))
}

function unreadReasons(repository: RepositoryFacts): readonly SafetyReason[] {
  if (repository.unread === undefined) return []
  const message = `repository ${repository.name} could not be read: ${repository.unread}`
  return [{ code: 'unread', level: 'risk', message, repository: repository.name }]
}

function ofRepository(
  repository: ReadRepository,
  { now, objectives }: SafetyFacts,
  read: readonly ReadRepository[],
): readonly SafetyReason[] {
  const { name, damaged, alarms, notRead, freezes, skewMilliseconds, wentBack, closed } = repository
  const say = (code: SafetyReason['code'], level: SafetyReason['level'], message: string): SafetyReason => ({
    code,
    level,
    message,
    repository: name,
  })
  const newest = newestGood(repository)
  const others = read.some((one) => newestGood(one) !== undefined)
  return [
    ...damaged.map(({ point, damage, message }) => ({
      ...say('damaged', damage ? 'damage' : 'risk', `${point} in ${name} cannot be used: ${message}`),
      point,
    })),
    ...alarms.map((alarm) => say('alarm', 'damage', `${name}: ${alarm}`)),
    ...notRead.map((what) => say('unread', 'risk', `${name}: ${what}`)),
    ...(wentBack === undefined
      ? []
      : [
          {
            ...say('went-back', 'risk', wentBack.message),
            ...(wentBack.lastBefore === null ? {} : { point: wentBack.lastBefore }),
          },
        ]),
    ...(closed === undefined ? [] : [say('closed', 'risk', `${name}: ${closed}`)]),
    ...(Math.abs(skewMilliseconds) <= SKEW_LIMIT
      ? []
      : [say('clock', 'risk', `the clocks of this machine and of ${name} differ`)]),
    ...(newest === undefined && others ? [say('no-copy', 'risk', `no good point is in ${name}`)] : []),
    ...(newest === undefined || now - newest.created <= objectives.rpoMilliseconds
      ? []
      : [
          say(
            'overdue',
            'risk',
            `the newest good point in ${name} is ${spellSpan(now - newest.created)} old, and ${spellSpan(objectives.rpoMilliseconds)} are allowed`,
          ),
        ]),
    ...repository.points
      .filter(({ created }) => !(created <= now + SKEW_LIMIT))
      .map(({ point }) => ({ ...say('clock', 'risk', `point ${point} is dated in the future or not at all`), point })),
    ...(freezes.length === 0 ? [] : [say('frozen', 'risk', `prune removes nothing in ${name}: ${freezes.join('; ')}`)]),
  ]
}

/** Only what is dated in the past says how old the data is. */
function newestGood({ points }: Pick<ReadRepository, 'points'>): SafetyPoint | undefined {
  return points.findLast(({ complete, disproved, created }) => complete && !disproved && Number.isFinite(created))
}

function pointReasons({ now }: SafetyFacts, read: readonly ReadRepository[]): readonly SafetyReason[] {
  const good = read.flatMap((repository) => newestGood(repository) ?? [])
  const newest = good.toSorted((a, b) => b.created - a.created)[0]
  const failed = new Map(read.flatMap(({ points }) => points.at(-1) ?? []).map((point) => [point.point, point]))
  const wrong = [...failed.values()].flatMap(({ point, complete, disproved }): SafetyReason[] => [
    ...(complete
      ? []
      : [{ code: 'incomplete', level: 'risk', message: `the newest point ${point} is incomplete`, point } as const]),
    ...(disproved
      ? [
          {
            code: 'point-failed',
            level: 'damage',
            message: `the newest point ${point} failed its verify or drill`,
            point,
          } as const,
        ]
      : []),
  ])
  if (newest === undefined)
    return [...wrong, { code: 'no-point', level: 'risk', message: 'there is no good restore point' }]
  const message = `newest good point ${spellSpan(Math.max(0, now - newest.created))} old`
  return [...wrong, { code: 'newest-point', level: 'fact', message, point: newest.point }]
}

/** A run that did not happen leaves nothing: it is computed from when the last one did. */
function runReasons(facts: SafetyFacts, read: readonly ReadRepository[]): readonly SafetyReason[] {
  const { lastRun } = facts
  if (lastRun === 'cannot be read')
    return [
      {
        code: 'fact-missing',
        level: 'unknown',
        message: 'how the last backup on this machine ended is not known',
      },
    ]
  const missed = missedRuns(facts, read)
  if (lastRun === 'none' || lastRun.outcome === 'done') return missed
  // A later point, perhaps of another machine, has put it right.
  const repaired = read.some(({ points }) =>
    points.some(({ complete, created }) => complete && created > lastRun.finished),
  )
  if (repaired) return missed
  const message = `the last backup, of ${spellMoment(lastRun.finished)}, ${lastRun.outcome === 'failed' ? 'failed' : 'was incomplete'}${lastRun.message === null ? '' : `: ${lastRun.message}`}`
  return [...missed, { code: 'run-failed', level: 'risk', message }]
}

function missedRuns({ now, objectives, lastRun }: SafetyFacts, read: readonly ReadRepository[]): SafetyReason[] {
  const { intervalMilliseconds: interval } = objectives
  const starts = read.flatMap(({ points }) => points.map(({ created }) => created)).filter((at) => at <= now)
  const finished = typeof lastRun === 'string' ? [] : [lastRun.finished]
  const last = [...starts, ...finished].reduce((newest, at) => Math.max(newest, at), -Infinity)
  if (!Number.isFinite(last)) return []
  // A run may begin late and take its time, by a quarter of the interval, before it counts as one that did not happen.
  const count = Math.floor((now - last - interval / 4) / interval)
  if (count < 1) return []
  const runs = count === 1 ? '1 expected run' : `${count} expected runs`
  return [{ code: 'missed-runs', level: 'risk', message: `${runs} since ${spellMoment(last)} did not happen`, count }]
}

function drillReasons({ now, objectives }: SafetyFacts, read: readonly ReadRepository[]): readonly SafetyReason[] {
  const drilled = read.flatMap(({ points }) =>
    points.flatMap(({ point, complete, drill }) =>
      // A time that is none cannot be put in order: it stands first, and is not young.
      drill === undefined
        ? []
        : [{ point, complete, ok: drill.ok, at: Number.isFinite(drill.at) ? drill.at : Infinity }],
    ),
  )
  // Of two from one moment the failed one counts.
  const newestFirst = drilled.toSorted((a, b) => (a.at === b.at ? Number(a.ok) - Number(b.ok) : b.at - a.at))
  const [last] = newestFirst
  if (last?.ok === false)
    return [
      {
        code: 'drill-failed',
        level: 'risk',
        message: `the last drill, of ${spellMoment(last.at)}, failed`,
        point: last.point,
      },
    ]
  const passed = newestFirst.find(({ ok, complete }) => ok && complete)
  if (passed === undefined) return [{ code: 'drill-missing', level: 'gap', message: 'no point was ever drilled' }]
  const age = now - passed.at
  if (!(age <= objectives.drillIntervalMilliseconds && age >= -SKEW_LIMIT))
    return [
      {
        code: 'drill-old',
        level: 'gap',
        message: `the last drill that passed is ${spellSpan(age)} old, and ${spellSpan(objectives.drillIntervalMilliseconds)} are allowed`,
        point: passed.point,
      },
    ]
  return [
    { code: 'drilled', level: 'fact', message: `drilled ${spellSpan(Math.max(0, age))} ago`, point: passed.point },
  ]
}
