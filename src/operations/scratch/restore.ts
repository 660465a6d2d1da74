import type { LeaveOptions } from '../../components/capabilities/scratch-copy.ts'
import type { Secret } from '../../core/secret.ts'
import type { App, OperationContext } from '../app.ts'
import { proveRestored } from '../key-fit/prove.ts'
import { authenticate, compareAll, loadAll, remarksOf } from '../restore/phases.ts'
import { missingOf } from '../restore/missing.ts'
import type { RestoreOrder } from '../restore/order.ts'
import type { RestoreReport } from '../restore/report.ts'
import { openOrdered, type OrderedPoint, type OrderedTargets, type ComponentRestore } from '../restore/targets.ts'
import { noteScratch, saveScratch, type ScratchRecord } from './record.ts'
import { removeScratch, summaryOf, type ScratchSummary } from './remove.ts'

/** As long as what a swap replaced. */
const KEPT_MILLISECONDS = 72 * 3_600_000

/**
 * Restores into throw-away places and leaves them running. Nothing live is touched, so there is no journal and no undo,
 * and a difference does not remove anything: it is what somebody may want to look at. Whoever dies before the end leaves
 * no running server, and a record by which the rest is found.
 */
export async function runScratch(
  app: App,
  point: Omit<OrderedPoint, 'folder'>,
  context: OperationContext,
): Promise<{ readonly report: RestoreReport; readonly left: LeftRunning }> {
  const begun = context.clock.monotonic()
  const folder = await context.scratchFolder()
  let opened: OrderedTargets | undefined
  let record: ScratchRecord | undefined
  try {
    opened = await openOrdered(app, { ...point, folder: folder.path }, context)
    const { targets, leftOut } = opened
    record = await noteScratch(recordOf(point.order, folder.path, targets), context)
    await authenticate(point.reader, targets, 'staged', context)
    await loadAll(targets, context)
    const differences = await compareAll(targets, context)
    const keyFit = await proveRestored(app, point.reader, [...targets, ...leftOut], context)
    const left = await leaveAll(record, targets, { listen: point.order.listen === true }, context)
    record = left.record
    const durationMilliseconds = Math.round(context.clock.monotonic() - begun)
    return {
      report: reportOf(point, targets, { differences, keyFit }, durationMilliseconds),
      left: { scratch: await summaryOf(record, context), urls: left.urls },
    }
  } catch (error) {
    if (record === undefined) await folder.remove()
    else await removeScratch(app, record, opened?.targets ?? [], { ...context, signal: new AbortController().signal })
    throw error
  }
}

function recordOf(
  { restoreId, app, point }: RestoreOrder,
  folder: string,
  targets: readonly ComponentRestore[],
): Parameters<typeof noteScratch>[0] {
  const components = targets.map(({ name }) => name)
  return { restoreId, app, point, purpose: 'restore', mode: 'scratch', folder, components }
}

export interface LeftRunning {
  readonly scratch: ScratchSummary
  /** By component: how an application connects. To be shown once; no record has it. */
  readonly urls: readonly { readonly component: string; readonly url: Secret }[]
}

async function leaveAll(
  record: ScratchRecord,
  targets: readonly ComponentRestore[],
  options: LeaveOptions,
  context: OperationContext,
): Promise<{ readonly record: ScratchRecord; readonly urls: LeftRunning['urls'] }> {
  const places: ScratchRecord['places'] = []
  const urls: { readonly component: string; readonly url: Secret }[] = []
  for (const { name, target } of targets) {
    context.progress({ type: 'phase', phase: 'leave running', component: name })
    const left = await target.copy?.leave(context, options)
    if (left === undefined) continue
    const { url, ...place } = left
    places.push({ component: name, ...place })
    if (url !== undefined) urls.push({ component: name, url })
  }
  const until = new Date(context.clock.now().getTime() + KEPT_MILLISECONDS).toISOString()
  const ended: ScratchRecord = { ...record, stage: 'left', until, places }
  await saveScratch(ended, context)
  return { record: ended, urls }
}

function reportOf(
  { order: { restoreId, app, point, chosen }, reader }: Omit<OrderedPoint, 'folder'>,
  targets: readonly ComponentRestore[],
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
    missing: missingOf(reader, chosen),
    bytes: targets.reduce((sum, { bytes }) => sum + bytes, 0),
    durationMilliseconds,
    downtimeMilliseconds: 0,
    clientSilenceMilliseconds: null,
    remarks: remarksOf(targets),
    ...found,
  }
}
