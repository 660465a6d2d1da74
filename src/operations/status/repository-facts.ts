import type { RepositoryFacts, SafetyFacts, SafetyPoint } from '../../core/safety/safety.ts'
import type { CatalogPoint } from '../../repository/repository.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import { isImported } from '../import/remark.ts'
import { openAlarm } from '../lineage/remarks.ts'
import { closedFinding } from '../keys/closed-finding.ts'
import { findSecondInstallation } from '../placement/find-second-installation.ts'
import { isSafetyPoint } from '../points/safety-remark.ts'
import { unprovenIn } from '../proof/unproven-remark.ts'
import { isPassed, latestProof } from '../proof/standing.ts'
import { candidateOf } from '../prune/candidate.ts'
import { decideRemovals } from '../prune/plan.ts'

/** What one repository says of the safety of an app, read now. */
export async function repositoryFacts(
  app: App,
  target: AppRepository,
  lastRun: SafetyFacts['lastRun'],
  context: OperationContext,
): Promise<{
  readonly facts: RepositoryFacts
  readonly second: string | undefined
  /** Of the newest backup. */
  readonly unproven: string | undefined
}> {
  const repository = await target.open(context)
  const catalog = await repository.catalog(context)
  const skewMilliseconds = await repository.clockSkew(context)
  const { freezes } = decideRemovals(app, repository, catalog, {
    now: context.clock.now(),
    storageSkewMilliseconds: skewMilliseconds,
    lastBackupFailed: typeof lastRun !== 'string' && lastRun.outcome !== 'done',
    lastPolicyHash: undefined,
    inUse: new Set(),
    unopenable: new Map(),
  })
  const closed = await closedFinding(target, context)
  const points = catalog.points.filter(({ commit }) => commit.app === app.name)
  const facts: RepositoryFacts = {
    name: target.name,
    points: points.filter(isBackup).map(safetyPointOf),
    // What cannot be trusted or is of a newer version is no damage, and no backup either.
    damaged: catalog.damaged.map(({ point, kind, message }) => ({ point, damage: kind === 'corrupt', message })),
    alarms: catalog.alarms.filter((one) => !catalog.unread.includes(one)),
    notRead: catalog.unread,
    freezes,
    skewMilliseconds,
    wentBack: openAlarm(points.map(({ commit }) => commit)),
    // What only cannot be seen from here is no reason: a host that makes backups may be kept from reading private keys.
    closed: closed?.level === 'error' ? closed.message : undefined,
  }
  const newest = points.findLast(isBackup)
  const unproven = newest && unprovenIn(newest.commit)
  return { facts, unproven, second: findSecondInstallation(app, points, context.clock.now().getTime()) }
}

/** What was made before a restore, or of a dump, is no backup of what is live. */
function isBackup({ commit }: CatalogPoint): boolean {
  return !isSafetyPoint(commit) && !isImported(commit)
}

function safetyPointOf(point: CatalogPoint): SafetyPoint {
  const { good } = candidateOf(point, new Set())
  const { commit, proofs } = point
  // A drill of an incomplete point that brought back all it holds proves no app, and disproves none; older versions signed it as good.
  const drill = latestProof(
    proofs.filter((proof) => (proof.ok && commit.complete) || !isPassed(proof)),
    ['drill'],
  )
  return {
    point: point.point,
    created: Date.parse(commit.created),
    complete: commit.complete,
    disproved: commit.complete && !good,
    drill: drill === undefined ? undefined : { ok: drill.ok, at: Date.parse(drill.created) },
  }
}
