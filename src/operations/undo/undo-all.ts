import type { RetainedCopy } from '../../components/driver.ts'
import type { App, OperationContext } from '../app.ts'
import { noteLive } from '../pause/hold.ts'
import { componentsInto } from '../restore/into/app-into.ts'
import { areSwapped } from '../restore/phases.ts'
import type { openBareTargets } from '../restore/targets.ts'

type BareTargets = Awaited<ReturnType<typeof openBareTargets>>

/** All that is retained for undo at this place. */
export async function allKept(
  app: App,
  context: OperationContext,
): Promise<readonly { readonly name: string; readonly kept: RetainedCopy }[]> {
  const lists = await Promise.all(
    componentsInto(app).map(async ({ name, driver, settings }) =>
      (await driver.listRetained(settings, context)).map((kept) => ({ name, kept })),
    ),
  )
  return lists.flat()
}

/** Makes the data from before a restore live again, component by component. One that died is finished by the same call. */
export async function undoAll(
  app: App,
  restoreId: string,
  targets: BareTargets,
  context: OperationContext,
): Promise<void> {
  await noteLive(app, restoreId, 'unsure', context)
  // The database first: like its swap, its undo is the moment that counts for the app.
  for (const { name, target } of targets.toReversed()) {
    context.progress({ type: 'phase', phase: 'undo', component: name })
    await target.undo(context)
    await target.reopen(context)
  }
  await noteLive(app, restoreId, 'restored', context)
}

/**
 * Lets writers in again after an undo that changed nothing: what was live stays live, as it was noted before. Says whether that
 * is so; where anything was undone it changes nothing.
 */
export async function leaveNotUndone(
  app: App,
  restoreId: string,
  targets: BareTargets,
  context: OperationContext,
): Promise<boolean> {
  if (!(await areSwapped(targets, context))) return false
  for (const { target } of targets) await target.reopen(context)
  await noteLive(app, restoreId, 'before', context)
  return true
}
