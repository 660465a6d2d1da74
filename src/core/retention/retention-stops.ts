import { DAMAGED_POINT, FUTURE_POINT } from '../accept-ids.ts'
import { isTimeZone } from './calendar.ts'
import type { RetentionCandidate, RetentionFacts, RetentionPolicy, Stop } from './retention.ts'
import { SKEW_LIMIT } from './retention-guards.ts'

const MEND_POLICY = 'Mend the retention of the app in the configuration.'
const LOOK = 'Find out who did it: another repository may still have what is gone.'
const LOOK_AT_SERVER =
  'Find out who restored the server or made it anew, and whether the older points hold what it lost.'
const CLOCKS = 'Set both clocks right. If it is the clock of the storage that is wrong, go on nevertheless.'

/** What makes the whole run refuse, but what was accepted. */
export function findRefusals(
  points: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  facts: RetentionFacts,
): readonly Stop[] {
  const refusals: Stop[] = policyFaults(policy).map((message) => ({ message, advice: MEND_POLICY }))
  refusals.push(...facts.alarms.map((alarm) => ({ ...alarm, advice: LOOK })))
  refusals.push(...facts.damaged.map(damagedStop))
  if (!(Math.abs(facts.storageSkewMilliseconds) <= SKEW_LIMIT)) refusals.push(skewStop(facts.storageSkewMilliseconds))
  refusals.push(...points.filter((candidate) => isFuture(candidate, facts)).map(futureStop))
  return unaccepted(refusals, facts)
}

/** Why nothing is removed while backups or drills are not in order: what exists may be the last that works. */
export function findFreezes(points: readonly RetentionCandidate[], facts: RetentionFacts): readonly Stop[] {
  const freezes: Stop[] = []
  const limit = facts.now - 2 * facts.intervalMilliseconds
  if (facts.lastBackupFailed) freezes.push(FAILED_BACKUP)
  if (facts.lastDrillFailed) freezes.push(FAILED_DRILL)
  if (facts.wentBack !== undefined) freezes.push({ message: facts.wentBack, advice: LOOK_AT_SERVER })
  if (!points.some((point) => point.good && point.created > limit && !isFuture(point, facts))) freezes.push(OVERDUE)
  return unaccepted(freezes, facts)
}

/** Dated by a clock that was wrong, or not at all. */
export function isFuture(
  { created }: Pick<RetentionCandidate, 'created'>,
  { now }: Pick<RetentionFacts, 'now'>,
): boolean {
  return !(created <= now + SKEW_LIMIT)
}

const FAILED_BACKUP: Stop = {
  message: 'the last backup failed',
  accept: 'failed-backup',
  advice: 'A backup that succeeds ends this. If it failed because there is no room left, prune nevertheless.',
}
const FAILED_DRILL: Stop = {
  message: 'the last drill failed',
  accept: 'failed-drill',
  advice: 'A drill that passes ends this.',
}
const OVERDUE: Stop = {
  message: 'no good point is younger than twice the backup interval',
  accept: 'overdue-backup',
  advice: 'A backup that succeeds ends this.',
}

function damagedStop(point: string): Stop {
  return {
    message: `restore point ${point} cannot be read or trusted`,
    accept: `${DAMAGED_POINT}${point}`,
    advice: `Bring its files in the repository back from a copy, or remove it with holdfast remove ${point}.`,
  }
}

function skewStop(skew: number): Stop {
  const seconds = Math.round(skew / 1000)
  const message = `the clocks of this machine and the storage differ by ${seconds} s`
  return { message, accept: 'clock-skew', advice: CLOCKS }
}

function futureStop({ point }: RetentionCandidate): Stop {
  return {
    message: `point ${point} is dated in the future or not at all`,
    accept: `${FUTURE_POINT}${point}`,
    advice: `If the clock was wrong when it was made, accept its date once for all prunes of this machine, or remove it with holdfast remove ${point}.`,
  }
}

function unaccepted(stops: readonly Stop[], { accepted = [] }: RetentionFacts): readonly Stop[] {
  return stops.filter(({ accept }) => accept === undefined || !accepted.includes(accept))
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
