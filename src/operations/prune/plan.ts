import { createHash } from 'node:crypto'
import { acceptedNames, ALARM, PRUNE_PLAN } from '../../core/accept-ids.ts'
import { applyRetention } from '../../core/retention/apply-retention.ts'
import type { PointId } from '../../core/restore-point.ts'
import type {
  RetentionFacts,
  RetentionPlan,
  RetentionPolicy,
  RetentionVerdict,
} from '../../core/retention/retention.ts'
import type { Catalog, Repository } from '../../repository/repository.ts'
import type { App } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { isImported } from '../import/remark.ts'
import { freezeOf } from '../lineage/remarks.ts'
import { isPassed, latestProof } from '../proof/standing.ts'
import { candidatesOf, lostPoints } from './candidate.ts'

/** What prune would do to the points of one app in one repository, as data. */
export interface PrunePlan extends RetentionPlan {
  readonly verdicts: readonly (RetentionVerdict & { readonly note?: string })[]
  readonly app: string
  readonly repository: string
  /** The points to remove, oldest first. */
  readonly removals: readonly PointId[]
  /** Points that the plan would have relied on and that cannot be opened or lack data; it relies on others instead. */
  readonly unopenable: readonly { readonly point: PointId; readonly message: string }[]
  /** Whether the app has a good point. */
  readonly restorable: boolean
  /** Names exactly these removals by this policy from this repository; an approval is given to it. */
  readonly hash: string
  /** Names the policy. Once the plan was carried out (not when it was refused or frozen), remember it for the next plan. */
  readonly policyHash: string
}

/** What a plan needs to know beyond the catalog. */
export interface PruneObservations {
  readonly now: Date
  /** The storage's clock minus ours. */
  readonly storageSkewMilliseconds: number
  /** The last run of a backup ended without a complete point here; runs that left a point are known from the catalog. */
  readonly lastBackupFailed: boolean
  /** The policyHash of the last plan that was carried out, even if it removed nothing; undefined when there was none. */
  readonly lastPolicyHash: string | undefined
  /** Ids that the operator accepted, for this run or once for all. */
  readonly accepted?: readonly string[]
  /** Points that a restore, drill or verify is reading, on any host. */
  readonly inUse: ReadonlySet<PointId>
  /** Points that were looked at now and cannot be opened or lack data, and why. */
  readonly unopenable: ReadonlyMap<PointId, string>
}

/**
 * Decides what to remove; changes nothing. Equal arguments give an equal plan, so that a plan which was approved by
 * its hash is made again and compared before it is carried out, and before each removal.
 */
export function decideRemovals(
  app: Pick<App, 'name' | 'retention' | 'intervalMilliseconds'>,
  repository: Pick<Repository, 'id'>,
  catalog: Catalog,
  observed: PruneObservations,
): PrunePlan {
  const points = catalog.points.filter(({ commit }) => commit.app === app.name)
  const policyHash = hashOf(policyFields(app.retention))
  const lost = [...lostPoints(catalog), ...observed.unopenable.keys()]
  const candidates = candidatesOf(points, { inUse: observed.inUse, lost })
  const retention = applyRetention(
    candidates,
    app.retention,
    factsOf(app, { ...catalog, points }, observed, policyHash),
  )
  const removals = retention.verdicts
    .filter(({ keep }) => !keep)
    .map(({ point }) => point)
    .reverse()
  const hash = hashOf(['holdfast prune 1', repository.id, app.name, policyHash, ...removals])
  const unopenable = [...observed.unopenable].map(([point, message]) => ({ point, message }))
  const restorable = candidates.some(({ good }) => good)
  const notes = new Map(points.map(({ point, commit }) => [point, commit.note]))
  const verdicts = retention.verdicts.map((one) => ({ ...one, ...noteOf({ note: notes.get(one.point) }) }))
  const found = { verdicts, removals, unopenable, restorable, hash, policyHash }
  return { app: app.name, repository: repository.id, ...withApproval(retention, hash), ...found }
}

/** An approval is for exactly one plan: the start of its hash is in the id. */
function withApproval(plan: RetentionPlan, hash: string): RetentionPlan {
  if (plan.needsApproval.length === 0) return plan
  return { ...plan, accept: [`${PRUNE_PLAN}${hash.slice(0, HASH_DIGITS)}`], advice: [LOOK] }
}

/** Whether what was accepted names this plan. */
export function isApproved({ hash }: Pick<PrunePlan, 'hash'>, accepted: readonly string[]): boolean {
  return acceptedNames(accepted, PRUNE_PLAN).some((start) => start.length >= HASH_DIGITS && hash.startsWith(start))
}

const HASH_DIGITS = 12
const LOOK = 'Look at the plan with --dry-run, then carry out exactly this one.'

/** Names an alarm by what it says. */
export function alarmOf(message: string): RetentionFacts['alarms'][number] {
  return { message, accept: `${ALARM}${createHash('sha256').update(message).digest('hex').slice(0, 8)}` }
}

/** `catalog` holds the points of this app only, but what is damaged may belong to any. */
function factsOf(
  app: Pick<App, 'intervalMilliseconds'>,
  catalog: Catalog,
  observed: PruneObservations,
  policyHash: string,
): RetentionFacts {
  // A drill that could bring back only a part takes no failure back.
  const drills = catalog.points.flatMap(({ commit, proofs }) =>
    proofs.filter((proof) => commit.complete || !isPassed(proof)),
  )
  const lastDrill = latestProof(drills, ['drill'])
  const lastBackup = catalog.points.findLast(({ commit }) => !isImported(commit))
  return {
    now: observed.now.getTime(),
    storageSkewMilliseconds: observed.storageSkewMilliseconds,
    intervalMilliseconds: app.intervalMilliseconds,
    lastBackupFailed: observed.lastBackupFailed || lastBackup?.commit.complete === false,
    lastDrillFailed: lastDrill !== undefined && !isPassed(lastDrill),
    wentBack: freezeOf(catalog.points.map(({ commit }) => commit)),
    policyChanged: observed.lastPolicyHash !== policyHash,
    damaged: catalog.damaged.map(({ point }) => point),
    alarms: catalog.alarms.map(alarmOf),
    accepted: observed.accepted ?? [],
  }
}

/** Named one by one, so that the order in which a policy was written does not count. */
function policyFields(policy: RetentionPolicy): readonly (string | number)[] {
  const { last, daily, weekly, monthly, yearly, withinMilliseconds, minimum, timezone } = policy
  return [last, daily, weekly, monthly, yearly, withinMilliseconds, minimum, timezone]
}

/** The SHA-256 of a list. JSON keeps its elements apart. */
function hashOf(list: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(list)).digest('hex')
}
