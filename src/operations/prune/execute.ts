import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Catalog, Repository, SweepReport } from '../../repository/repository.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import { loadLastBackup } from '../backup/run.ts'
import { recordVerdict, storeKept } from '../proof/record-verdict.ts'
import { standingOf } from '../proof/standing.ts'
import { allAccepted, allowsSweep, rememberAccepted } from './accepted.ts'
import { candidatesOf, lostPoints } from './candidate.ts'
import { isApproved, decideRemovals, type PrunePlan } from './plan.ts'
import { Inspections, reliedOn } from './relied-on.ts'

export interface PruneReport {
  readonly app: string
  readonly repository: string
  readonly plan: PrunePlan
  /** Removed now; each can be undeleted until the grace time is over. */
  readonly removed: readonly string[]
  /** Data that is gone for good: of points removed long enough ago, and leftovers that no point names. */
  readonly swept: SweepReport
  /** Why nothing was removed although the rules would. */
  readonly withheld: readonly string[]
}

/**
 * What prune would do in one repository; changes nothing. What the plan relies on is opened, and a point that cannot be is
 * not good: the plan is made anew until all that it relies on was seen to be there.
 */
export async function planPruneOf(
  app: App,
  repository: Repository,
  context: OperationContext,
  accepted: readonly string[] = [],
  inspections = new Inspections(),
): Promise<PrunePlan> {
  const catalog = await repository.catalog(context)
  const last = await loadLastBackup(app, context)
  const observed = {
    now: context.clock.now(),
    storageSkewMilliseconds: await repository.clockSkew(context),
    lastBackupFailed: last !== undefined && last.outcome !== 'done',
    lastPolicyHash: await loadPolicy(app, repository, context),
    accepted: await allAccepted(app, repository, accepted, context),
    // A restore or drill that reads a point goes on reading it: the data of a removed point stays for the grace time.
    inUse: new Set<string>(),
  }
  await inspectReliedOn(app, repository, catalog, inspections, context)
  return decideRemovals(app, repository, catalog, { ...observed, unopenable: inspections.unopenable })
}

/** Each point that turns out not to be good makes an older one the one to rely on. */
async function inspectReliedOn(
  app: App,
  repository: Repository,
  catalog: Catalog,
  inspections: Inspections,
  context: OperationContext,
): Promise<void> {
  const points = catalog.points.filter(({ commit }) => commit.app === app.name)
  for (let found = -1; found < inspections.unopenable.size;) {
    found = inspections.unopenable.size
    const candidates = candidatesOf(points, { lost: [...lostPoints(catalog), ...inspections.unopenable.keys()] })
    const wanted = reliedOn(candidates, app.retention.minimum)
    for (const point of points) if (wanted.has(point.point)) await inspections.of(point, repository, context)
  }
}

/**
 * Removes what the rules say, under an exclusive lease and with the plan made again before each removal: if anything
 * that counts has changed, the plan's hash has too, and it stops. Then sweeps what is past its grace time.
 */
export async function executePrune(
  app: App,
  target: AppRepository,
  accepted: readonly string[],
  context: OperationContext,
): Promise<PruneReport> {
  const repository = await target.open(context)
  const lease = await repository.lease('prune', context)
  const guarded = { ...context, signal: AbortSignal.any([context.signal, lease.lost]) }
  try {
    await storeKept(repository, guarded)
    await rememberAccepted(app, repository, accepted, guarded)
    const inspections = new Inspections()
    const plan = await planPruneOf(app, repository, guarded, accepted, inspections)
    const withheld = withheldBy(plan, accepted)
    const run = { app, repository, plan, accepted, inspections, assertHeld: () => lease.assertHeld() }
    await recordUnopenable(run, guarded)
    const removed = withheld.length > 0 ? [] : await removeAll(run, guarded)
    if (withheld.length === 0) await savePolicy(app, repository, plan.policyHash, context)
    lease.assertHeld()
    const sweeps = !keepsAllData(plan) && allowsSweep(accepted)
    const swept = sweeps ? await repository.sweep(guarded) : { removedBlobs: 0, removedBytes: 0 }
    return { app: app.name, repository: target.name, plan, removed, swept, withheld }
  } finally {
    await lease.release()
  }
}

/** A refusal or freeze holds back even an approved plan. An approval is for exactly one plan. */
export function withheldBy(plan: PrunePlan, accepted: readonly string[]): readonly string[] {
  const stopped = [...plan.refusals, ...plan.freezes]
  if (stopped.length > 0 || plan.removals.length === 0) return stopped
  return isApproved(plan, accepted) ? [] : plan.needsApproval
}

interface Run {
  readonly app: App
  readonly repository: Repository
  readonly plan: PrunePlan
  readonly accepted: readonly string[]
  readonly inspections: Inspections
  readonly assertHeld: () => void
}

/** While nothing can be trusted, or no good point is left to rely on, what was removed before may be the last that restores. */
function keepsAllData(plan: PrunePlan): boolean {
  return plan.refusals.length > 0 || (plan.unopenable.length > 0 && !plan.restorable)
}

/** A point that cannot be opened is a finding like that of a verify, and is signed as one, once. */
async function recordUnopenable({ repository, plan }: Run, context: OperationContext): Promise<void> {
  if (plan.unopenable.length === 0) return
  const { points } = await repository.catalog(context)
  for (const { point, message } of plan.unopenable) {
    context.progress({ type: 'warning', message: `restore point ${point} is damaged: ${message}` })
    const about = points.find((one) => one.point === point)
    if (about === undefined || standingOf(about.commit, about.proofs).failed !== undefined) continue
    const facts = { bytesRead: 0, sampled: true, inspected: true }
    const { recordingFailure } = await recordVerdict(repository, about, 'verify', { ok: false, facts }, context)
    if (recordingFailure !== undefined)
      context.progress({ type: 'warning', message: `that is not recorded: ${recordingFailure.message}` })
  }
}

async function removeAll(run: Run, context: OperationContext): Promise<readonly string[]> {
  const { repository, plan } = run
  const removed: string[] = []
  for (const [index, point] of plan.removals.entries()) {
    await assertUnchanged(run, plan.removals.slice(index), context)
    run.assertHeld()
    context.progress({ type: 'phase', phase: 'remove', detail: point })
    await repository.remove(point, reasonOf(plan, point), context)
    removed.push(point)
  }
  return removed
}

/** Every removal that is left must still be one: a drill that failed meanwhile, or a point that vanished, changes that. */
async function assertUnchanged(
  { app, repository, accepted, inspections }: Run,
  left: readonly string[],
  context: OperationContext,
): Promise<void> {
  const now = await planPruneOf(app, repository, context, accepted, inspections)
  const stopped = [...now.refusals, ...now.freezes]
  if (stopped.length === 0 && left.every((point) => now.removals.includes(point))) return
  throw new Failure(
    'refused',
    `prune of app ${app.name} stopped: the repository changed while it ran${stopped.length === 0 ? '' : ` (${stopped.join('; ')})`}`,
    {
      hint: 'Nothing more was removed. Look at holdfast points and run prune again.',
    },
  )
}

function reasonOf(plan: PrunePlan, point: string): string {
  const verdict = plan.verdicts.find((candidate) => candidate.point === point)
  return `prune ${plan.hash.slice(0, 12)}: ${verdict?.reasons.join('; ') ?? ''}`
}

const policyRecord = z.object({ hash: z.string() })
const policyName = (app: App, repository: Repository): string => `prune-policy-${app.name}-${repository.id}`

/** The policy of the last prune that ran here. Without one the first removal needs approval; a prune that had nothing to remove counts as a run. */
async function loadPolicy(app: App, repository: Repository, context: OperationContext): Promise<string | undefined> {
  const parsed = policyRecord.safeParse(await context.records.load(policyName(app, repository)))
  return parsed.success ? parsed.data.hash : undefined
}

async function savePolicy(app: App, repository: Repository, hash: string, context: OperationContext): Promise<void> {
  await context.records.save(policyName(app, repository), { hash })
}
