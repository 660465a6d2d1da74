import { describe, Failure, toFailure } from '../../core/failure.ts'
import type { RestoreTarget } from '../../components/target.ts'
import type { App, OperationContext } from '../app.ts'
import { openBareTargets } from '../restore/targets.ts'
import { forgetScratch, scratchesOf, stateOfScratch, type ScratchRecord, type ScratchState } from './record.ts'

/** A scratch as people and scripts see it. */
export interface ScratchSummary extends Pick<ScratchRecord, 'restoreId' | 'app' | 'point' | 'purpose' | 'folder'> {
  readonly state: ScratchState
  readonly started: string
  readonly until: string | null
  readonly places: ScratchRecord['places']
}

export async function summaryOf(record: ScratchRecord, context: OperationContext): Promise<ScratchSummary> {
  const { restoreId, app, point, purpose, folder, started, until, places } = record
  const state = await stateOfScratch(record, context)
  return { restoreId, app, point, purpose, state, folder, started, until, places }
}

/** What drills and restores to scratch have on this machine now. */
export async function listScratches(apps: readonly App[], context: OperationContext): Promise<ScratchSummary[]> {
  const records = (await Promise.all(apps.map((app) => scratchesOf(app, context)))).flat()
  return Promise.all(records.map((record) => summaryOf(record, context)))
}

/** What would be ended and removed; changes nothing. Its app and id are the order. Fails with `locked` while it is in use. */
export async function planScratchRemoval(
  apps: readonly App[],
  id: string,
  context: OperationContext,
): Promise<ScratchSummary> {
  const summary = (await listScratches(apps, context)).find(({ restoreId }) => restoreId === id)
  if (summary === undefined) throw unknown(id)
  if (summary.state === 'in use') throw inUse(summary)
  return summary
}

/** Ends and removes one; a running drill or restore is left alone. */
export async function runScratchRemoval(
  app: App,
  { restoreId }: Pick<ScratchSummary, 'app' | 'restoreId'>,
  context: OperationContext,
): Promise<ScratchSummary> {
  const summary = await planScratchRemoval([app], restoreId, context)
  const record = (await scratchesOf(app, context)).find((one) => one.restoreId === restoreId)
  if (record === undefined) throw unknown(restoreId)
  await removeScratch(app, record, await targetsOf(app, record, context), context)
  return summary
}

function unknown(id: string): Failure {
  return new Failure('notFound', `no scratch restore ${id} on this machine`, {
    hint: 'holdfast scratch list names them. They are known on the machine that made them.',
  })
}

function inUse({ purpose, restoreId, app }: ScratchSummary): Failure {
  return new Failure('locked', `${purpose} ${restoreId} of app ${app} is running`, {
    hint: 'Wait for its end, or end it with Ctrl-C where it runs.',
  })
}

/** What is over: cut off by a kill, or left to be looked at for long enough. */
export async function removeOverdue(app: App, context: OperationContext): Promise<readonly string[]> {
  const removed: string[] = []
  for (const record of await scratchesOf(app, context)) {
    if (!(await isOverdue(record, context))) continue
    await removeScratch(app, record, await targetsOf(app, record, context), context)
    removed.push(`what ${record.purpose} ${record.restoreId} left in ${placeOf(record)}`)
  }
  return removed
}

function placeOf({ mode, folder }: ScratchRecord): string {
  return mode === 'scratch' ? folder : `${folder} and beside the live data`
}

async function isOverdue(record: ScratchRecord, context: OperationContext): Promise<boolean> {
  const state = await stateOfScratch(record, context)
  if (state === 'left') return record.until !== null && new Date(record.until) <= context.clock.now()
  return state === 'cut off'
}

function targetsOf(
  app: App,
  record: ScratchRecord,
  context: OperationContext,
): Promise<readonly { target: RestoreTarget }[]> {
  const { mode, restoreId, folder, components } = record
  const request = mode === 'swap' ? { mode, restoreId } : { mode, restoreId, scratchFolder: folder }
  return openBareTargets(app, components, request, context)
}

/**
 * The record goes last: a removal that is cut off is found and made again. A target that cannot be discarded keeps the
 * record, so that nothing decrypted is forgotten.
 */
export async function removeScratch(
  app: App,
  record: ScratchRecord,
  targets: readonly { readonly target: RestoreTarget }[],
  context: OperationContext,
): Promise<void> {
  try {
    for (const { target } of targets) await target.discard(context)
    await context.removeScratchFolder(record.folder)
  } catch (cause) {
    throw new Failure(
      toFailure(cause).kind,
      `what ${record.purpose} ${record.restoreId} of app ${app.name} left could not be removed: ${describe(cause)}`,
      { cause, hint: 'Repair what is named; holdfast prune tries again.' },
    )
  }
  await forgetScratch(record, context)
}
