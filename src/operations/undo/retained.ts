import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { isFinished, journalsOf } from '../restore/journal.ts'
import { openBareTargets } from '../restore/targets.ts'
import { allKept } from './undo.ts'

/** What is retained for undo of one restore and component. */
export interface RetainedSummary {
  readonly app: string
  readonly restoreId: string
  readonly component: string
  readonly description: string
  readonly since: string
  /** When `prune` removes it. */
  readonly until: string
  /** Null where that is not known, or nothing is kept but that nothing was there. */
  readonly bytes: number | null
}

/** All that is retained for undo on this app's targets, newest first. Changes nothing. */
export async function listRetained(app: App, context: OperationContext): Promise<readonly RetainedSummary[]> {
  const kept = (await allKept(app, context)).toSorted((a, b) => b.kept.since.getTime() - a.kept.since.getTime())
  return await Promise.all(kept.map((one) => summaryOf(app, one, context)))
}

type KeptComponent = Awaited<ReturnType<typeof allKept>>[number]

async function summaryOf(app: App, { name, kept }: KeptComponent, context: OperationContext): Promise<RetainedSummary> {
  const component = app.components.find((one) => one.name === name)
  const bytes = await component?.driver.retainedBytes?.(component.settings, kept, context)
  const { restoreId, description, since, until } = kept
  const times = { since: since.toISOString(), until: until.toISOString() }
  return { app: app.name, restoreId, component: name, description, ...times, bytes: bytes ?? null }
}

/** What `forgetRetained` would remove. Fails with `notFound` when there is nothing, and `refused` while that restore is unfinished. */
export async function planForget(
  app: App,
  restoreId: string,
  context: OperationContext,
): Promise<readonly RetainedSummary[]> {
  const mine = (await listRetained(app, context)).filter((kept) => kept.restoreId === restoreId)
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
      hint: `Finish it with holdfast restore ${app.name} --continue, or take it back with --abandon.`,
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
  for (const { target } of await openBareTargets(app, names, { mode: 'swap', restoreId }, context))
    await target.forget(context)
  return kept
}
