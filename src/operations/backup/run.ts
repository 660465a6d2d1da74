import { z } from 'zod'
import { toFailureUnder } from '../../core/cancelled.ts'
import { describe, Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { asOperation } from '../as-operation.ts'
import { beginChange, endChange } from '../changes/look.ts'
import { refuseSwitched } from '../fixed-platform.ts'
import { saveServerNotes } from '../lineage/server-notes.ts'
import { bringBack } from '../pause/bring-back.ts'
import { isCapturedPaused } from '../pause/capture-window.ts'
import { refuseOutsideWindow } from '../pause/window.ts'
import { storeKept } from '../proof/record-verdict.ts'
import { executeBackup } from './execute.ts'
import type { BackupOrder } from './order.ts'
import type { BackupReport } from './report.ts'

const lastBackup = z.object({
  outcome: z.enum(['done', 'incomplete', 'failed']),
  finished: z.string(),
  message: z.string().nullable(),
})
export type LastBackup = z.infer<typeof lastBackup>

/** Runs a backup, behind other programs where the app asks for it, and remembers on this machine how it ended: prune freezes while backups fail. */
export function runBackup(app: App, order: BackupOrder, context: OperationContext): Promise<BackupReport> {
  return asOperation(app, context, (own) => backUp(app, order, own))
}

async function backUp(app: App, order: BackupOrder, context: OperationContext): Promise<BackupReport> {
  // That it has to wait makes no failed backup of it.
  if (app.components.some(isCapturedPaused)) refuseOutsideWindow(app, 'a backup', order.outsideWindow, context)
  if (app.priority === 'background') await context.toBackground?.()
  try {
    await refuseSwitched(app, order.platform, context)
    await bringBack(app, context)
    if (order.changed !== undefined) await beginChange(app, context)
    const report = await executeBackup(app, order, context)
    if (order.changed !== undefined && report.outcome === 'done') await endChange(app, order.changed, context)
    await saveServerNotes(app.name, report.servers, context)
    await storeAllKept(app, report, context)
    await remember(
      app,
      { outcome: report.outcome, finished: context.clock.now().toISOString(), message: null },
      context,
    )
    return report
  } catch (error) {
    const failure = toFailureUnder(error, context.signal)
    if (failure.kind !== 'cancelled')
      await remember(
        app,
        { outcome: 'failed', finished: context.clock.now().toISOString(), message: failure.message },
        context,
      )
    throw error
  }
}

/** Verdicts that an earlier run could not record; what keeps them from being stored now says nothing of this backup. */
async function storeAllKept(app: App, { repositories }: BackupReport, context: OperationContext): Promise<void> {
  const taking = new Set(repositories.filter(({ outcome }) => outcome === 'committed').map(({ name }) => name))
  for (const target of app.repositories.filter(({ name }) => taking.has(name))) {
    try {
      await storeKept(await target.open(context), context)
    } catch (error) {
      if (context.signal.aborted) return
      context.progress({
        type: 'warning',
        message: `proofs kept for ${target.name} are not stored: ${describe(error)}`,
      })
    }
  }
}

/** How the last backup of the app on this machine ended; undefined when none ran here. Fails when it is noted and cannot be read. */
export async function loadLastBackup(app: App, context: OperationContext): Promise<LastBackup | undefined> {
  const noted = await context.records.load(`last-backup-${app.name}`)
  if (noted === undefined) return undefined
  const parsed = lastBackup.safeParse(noted)
  if (parsed.success) return parsed.data
  throw new Failure(
    'unsupported',
    `how the last backup of app ${app.name} ended cannot be read from this machine's notes`,
    {
      hint: `Run holdfast backup ${app.name}; it is noted anew then.`,
    },
  )
}

/** The point is what it is: that this machine cannot note how it went makes no failure of a good one, and hides none. */
async function remember(app: App, value: LastBackup, context: OperationContext): Promise<void> {
  try {
    await context.records.save(`last-backup-${app.name}`, value)
  } catch (error) {
    context.progress({
      type: 'warning',
      message: `this machine cannot remember how the backup of ${app.name} ended: ${describe(error)}`,
    })
  }
}
