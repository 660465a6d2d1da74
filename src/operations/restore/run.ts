import { OUTSIDE_WINDOW } from '../../core/accept-ids.ts'
import type { App, OperationContext } from '../app.ts'
import { asOperation } from '../as-operation.ts'
import { refuseElsewhere, refuseSwitched } from '../fixed-platform.ts'
import { bringBack } from '../pause/bring-back.ts'
import { refuseOutsideWindow } from '../pause/window.ts'
import { findOrdered } from '../points/find-point.ts'
import { openChosenPoint } from '../points/open-chosen-point.ts'
import { runScratch, type LeftRunning } from '../scratch/restore.ts'
import { openPoint } from '../source.ts'
import { executeRestore } from './execute.ts'
import { appInto } from './into/app-into.ts'
import { requireWhole } from './into/choose-into.ts'
import type { Into } from '../../core/texts/into-text.ts'
import { refuseTaken } from './into/refuse-taken.ts'
import type { RestoreJournal } from './journal.ts'
import type { RestoreOrder } from './order.ts'
import type { RestoreReport } from './report.ts'
import { abandonRestore, resumeRestore } from './resume.ts'
import { openOrdered } from './targets.ts'
import { refuseUnfinished, requireUnfinished } from './unfinished.ts'

export interface RestoreOutcome {
  readonly report: RestoreReport
  /** Of a restore to scratch: what was left running. */
  readonly left?: LeftRunning
}

/**
 * Runs a restore. Whatever fails, the live data afterwards is the old or the restored, whole, and `continueUnfinished` or
 * `abandonUnfinished` ends what a death of this process left. Fails with `refused` over an unfinished restore.
 */
export function runRestore(app: App, order: RestoreOrder, context: OperationContext): Promise<RestoreOutcome> {
  return asOperation(app, context, (own) => restore(app, order, own))
}

async function restore(own: App, order: RestoreOrder, context: OperationContext): Promise<RestoreOutcome> {
  await refuseSwitched(own, order.platform, context)
  const app = appInto(own, order.into)
  await refuseTaken(app, context)
  if (order.mode === 'swap' || order.mode === 'in-place')
    refuseOutsideWindow(app, 'a restore', order.outsideWindow, context)
  if (order.mode !== 'scratch') {
    await bringBack(own, context)
    await refuseUnfinished(own, order.into, context)
  }
  const { point, repository } = await findOrdered(app, order, context)
  const opened = { order, reader: await openPoint(repository, order.point, context), proofs: point.proofs }
  requireWhole(app, order.into, order.chosen ?? opened.reader.manifest.components.map(({ name }) => name))
  if (order.mode === 'scratch') return await runScratch(app, opened, context)
  const { targets } = await openOrdered(app, { ...opened, folder: undefined }, context)
  return { report: await executeRestore(app, opened.reader, targets, order, context) }
}

/** Finishes the restore of the app that was cut off, or that was left staged; with `into` the one that began with the same. */
export function continueUnfinished(
  app: App,
  repository: string | undefined,
  context: OperationContext,
  into?: Into,
  accept: readonly string[] = [],
): Promise<RestoreReport> {
  return asOperation(app, context, async (own) => {
    await bringBack(app, own, true)
    const journal = await requireUnfinished(app, into, own)
    await refuseElsewhere(app, journal, own)
    await refuseTaken(appInto(app, journal.into), own)
    // One that was cut off later has stopped the app already, and ends that.
    if (journal.stage === 'staged')
      refuseOutsideWindow(appInto(app, journal.into), 'a restore', accept.includes(OUTSIDE_WINDOW), own)
    const { reader } = await openChosenPoint(app, { at: journal.point, repository }, own)
    return await resumeRestore(app, reader, journal, own)
  })
}

/** Takes the restore of the app back that was cut off, or that was left staged. */
export function abandonUnfinished(app: App, context: OperationContext, into?: Into): Promise<RestoreJournal> {
  return asOperation(app, context, async (own) => {
    await bringBack(app, own, true)
    const journal = await requireUnfinished(app, into, own)
    await refuseElsewhere(app, journal, own)
    return await abandonRestore(app, journal, own)
  })
}
