import { throwIfCancelled } from '../../core/cancelled.ts'
import { describe, Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { appInto } from '../restore/into/app-into.ts'
import { describeInto, intoOptions, type Into } from '../../core/texts/into-text.ts'
import { isFinished, journalsOf } from '../restore/journal.ts'
import { openBareTargets } from '../restore/targets.ts'
import { otherPlaces, placeOfRestore } from './places.ts'
import { allKept } from './undo-all.ts'

/** What is retained for undo of one restore and component. */
export interface RetainedSummary {
  readonly app: string
  readonly restoreId: string
  readonly component: string
  /** The place, where it is not the app's own. */
  readonly into?: Into
  readonly description: string
  readonly since: string
  /** When `prune` removes it. */
  readonly until: string
  /** Null where that is not known, or nothing is kept but that nothing was there. */
  readonly bytes: number | null
}

/**
 * All that is retained for undo at the app's own place and where its restores from this machine went, newest first. A place
 * elsewhere that cannot be asked is told and left out. Changes nothing.
 */
export async function listRetained(app: App, context: OperationContext): Promise<readonly RetainedSummary[]> {
  const found = [...(await retainedAt(app, context))]
  for (const { restoreId, into } of await otherPlaces(app, context)) {
    try {
      const there = await retainedAt(appInto(app, into), context)
      found.push(...there.filter((one) => one.restoreId === restoreId && !found.some((other) => isSame(one, other))))
    } catch (error) {
      throwIfCancelled(error, context.signal)
      const message = `what restore ${restoreId} retains cannot be listed (${describeInto(into)}): ${describe(error)}`
      context.progress({ type: 'warning', message })
    }
  }
  return found.toSorted((a, b) => b.since.localeCompare(a.since))
}

/** The other place may have become the app's own. */
function isSame(one: RetainedSummary, other: RetainedSummary): boolean {
  return one.restoreId === other.restoreId && one.component === other.component && one.since === other.since
}

async function retainedAt(app: App, context: OperationContext): Promise<readonly RetainedSummary[]> {
  return await Promise.all((await allKept(app, context)).map((one) => summaryOf(app, one, context)))
}

type KeptComponent = Awaited<ReturnType<typeof allKept>>[number]

async function summaryOf(app: App, { name, kept }: KeptComponent, context: OperationContext): Promise<RetainedSummary> {
  const component = app.components.find((one) => one.name === name)
  const bytes = await component?.driver.retainedBytes?.(component.settings, kept, context)
  const { restoreId, description, since, until } = kept
  const times = { since: since.toISOString(), until: until.toISOString() }
  const where = app.into === undefined ? {} : { into: app.into }
  return { app: app.name, restoreId, component: name, ...where, description, ...times, bytes: bytes ?? null }
}

/** What `forgetRetained` would remove. Fails with `notFound` when there is nothing, and `refused` while that restore is unfinished. */
export async function planForget(
  app: App,
  restoreId: string,
  context: OperationContext,
): Promise<readonly RetainedSummary[]> {
  const there = await placeOfRestore(app, restoreId, context)
  const mine = (await retainedAt(there, context)).filter((kept) => kept.restoreId === restoreId)
  if (mine.length === 0)
    throw new Failure('notFound', `app ${app.name} keeps nothing of restore ${restoreId}`, {
      hint: `holdfast undo ${app.name} --list shows what is kept.`,
    })
  const journal = (await journalsOf(app.name, context.records)).find((one) => one.restoreId === restoreId)
  if (journal === undefined || isFinished(journal.stage)) return mine
  throw new Failure(
    'refused',
    `restore ${restoreId} of app ${app.name} is unfinished: it stopped while ${journal.stage}`,
    {
      hint: `Finish it with holdfast restore ${app.name}${intoOptions(journal.into)} --continue, or take it back with --abandon.`,
    },
  )
}

/** Removes what a restore keeps for undo, before its time. Nothing brings it back. */
export async function forgetRetained(
  app: App,
  restoreId: string,
  context: OperationContext,
): Promise<readonly RetainedSummary[]> {
  const kept = await planForget(app, restoreId, context)
  const names = [...new Set(kept.map(({ component }) => component))]
  const there = await placeOfRestore(app, restoreId, context)
  for (const { target } of await openBareTargets(there, names, { mode: 'swap', restoreId }, context))
    await target.forget(context)
  return kept
}
