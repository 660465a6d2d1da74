import type { AcceptId } from '../../core/accept-ids.ts'
import type { LeaveOptions } from '../../components/capabilities/scratch-copy.ts'
import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import type { Proof } from '../../repository/documents.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { proveRestored } from '../key-fit/prove.ts'
import { authenticate, compareAll, loadAll, remarksOf } from '../restore/phases.ts'
import { assertExecutable, planRestore, type RestorePlan } from '../restore/plan.ts'
import type { RestoreReport } from '../restore/report.ts'
import { openTargets, type Restoring } from '../restore/targets.ts'
import { noteScratch, saveScratch, type ScratchRecord } from './record.ts'
import { removeScratch, summaryOf, type ScratchSummary } from './remove.ts'

/** As long as what a swap replaced. */
const KEPT_MILLISECONDS = 72 * 3_600_000

export interface ScratchRequest {
  readonly repository: string
  readonly components?: readonly string[] | undefined
  /** About the point: what its drills kept is compared. */
  readonly proofs?: readonly Proof[]
  readonly accept?: readonly AcceptId[] | undefined
}

/** A plan with the empty folder that it is for; who does not execute it removes the folder. */
export interface PlannedScratch {
  readonly plan: RestorePlan
  readonly targets: readonly Restoring[]
  /** Not restored; the keys that they captured still belong to the data. */
  readonly leftOut: readonly Restoring[]
  readonly folder: Awaited<ReturnType<OperationContext['scratchFolder']>>
}

export async function planScratch(
  app: App,
  reader: PointReader,
  { repository, components, accept, proofs = [] }: ScratchRequest,
  context: OperationContext,
): Promise<PlannedScratch> {
  const restoreId = context.newId().slice(-8)
  const folder = await context.scratchFolder()
  try {
    const options = { mode: 'scratch', restoreId, scratchFolder: folder.path, components, proofs, accept } as const
    const opened = await openTargets(app, reader, options, context)
    const targets = opened.filter(({ target }) => target.copy !== undefined)
    const others = opened.filter(({ target }) => target.copy === undefined)
    const [other] = others
    // What was asked for by its name is not left out.
    if (other !== undefined && (components !== undefined || targets.length === 0)) throw cannotBeLeft(other)
    const leftOut = others.length === 0 ? {} : { leftOut: others.map(({ name }) => name) }
    const request = {
      restoreId,
      mode: 'scratch',
      repository,
      safetyPoint: false,
      chosen: components,
      ...leftOut,
    } as const
    return { plan: await planRestore(reader, targets, request, context), targets, leftOut: others, folder }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

function cannotBeLeft({ name, kind }: Restoring): Failure {
  return new Failure('unsupported', `component ${name} of kind ${kind} cannot be left running to look around in`, {
    hint: 'Leave it out with --component, or prove it with holdfast drill.',
  })
}

/**
 * Restores into throw-away places and leaves them running. Nothing live is touched, so there is no journal and no undo,
 * and a difference does not remove anything: it is what somebody may want to look at. Whoever dies before the end leaves
 * no running server, and a record by which the rest is found.
 */
export async function executeScratch(
  app: App,
  reader: PointReader,
  { plan, targets, leftOut, folder }: PlannedScratch,
  context: OperationContext,
  options: LeaveOptions = {},
): Promise<ExecutedScratch> {
  const begun = context.clock.monotonic()
  const { restoreId, point } = plan
  const components = targets.map(({ name }) => name)
  const own = { restoreId, app: app.name, point, purpose: 'restore', mode: 'scratch', folder: folder.path } as const
  let record: ScratchRecord | undefined
  try {
    assertExecutable(plan)
    record = await noteScratch({ ...own, components }, context)
    await authenticate(reader, targets, 'beside', context)
    await loadAll(targets, context)
    const differences = await compareAll(targets, context)
    const keyFit = await proveRestored(app, reader, [...targets, ...leftOut], context)
    const { left, urls } = await leaveAll(record, targets, options, context)
    record = left
    return {
      report: reportOf(plan, targets, { differences, keyFit }, Math.round(context.clock.monotonic() - begun)),
      scratch: await summaryOf(record, context),
      urls,
    }
  } catch (error) {
    if (record === undefined) await folder.remove()
    else await removeScratch(app, record, targets, { ...context, signal: new AbortController().signal })
    throw error
  }
}

interface ExecutedScratch {
  readonly report: RestoreReport
  readonly scratch: ScratchSummary
  /** By component: how an application connects. To be shown once; no record has it. */
  readonly urls: readonly { readonly component: string; readonly url: Secret }[]
}

async function leaveAll(
  record: ScratchRecord,
  targets: readonly Restoring[],
  options: LeaveOptions,
  context: OperationContext,
): Promise<{ readonly left: ScratchRecord; readonly urls: ExecutedScratch['urls'] }> {
  const places: ScratchRecord['places'] = []
  const urls: { readonly component: string; readonly url: Secret }[] = []
  for (const { name, target } of targets) {
    context.progress({ type: 'phase', phase: 'leave running', detail: name })
    const left = await target.copy?.leave(context, options)
    if (left === undefined) continue
    const { url, ...place } = left
    places.push({ component: name, ...place })
    if (url !== undefined) urls.push({ component: name, url })
  }
  const until = new Date(context.clock.now().getTime() + KEPT_MILLISECONDS).toISOString()
  const left: ScratchRecord = { ...record, stage: 'left', until, places }
  await saveScratch(left, context)
  return { left, urls }
}

function reportOf(
  { restoreId, app, point, missing }: RestorePlan,
  targets: readonly Restoring[],
  found: Pick<RestoreReport, 'differences' | 'keyFit'>,
  durationMilliseconds: number,
): RestoreReport {
  return {
    restoreId,
    app,
    point,
    mode: 'scratch',
    outcome: 'done',
    live: 'as before',
    previous: [],
    safetyPoint: null,
    missing,
    bytes: targets.reduce((sum, { bytes }) => sum + bytes, 0),
    durationMilliseconds,
    downtimeMilliseconds: 0,
    clientSilenceMilliseconds: null,
    remarks: remarksOf(targets),
    ...found,
  }
}
