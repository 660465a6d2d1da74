import { z } from 'zod'
import { describe, Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { asOperation } from '../as-operation.ts'
import { fixedPlatform, platformNow, refuseElsewhere, refuseSwitched } from '../fixed-platform.ts'
import { bringBack } from '../pause/bring-back.ts'
import { whileHeld } from '../pause/hold.ts'
import { loadRecord } from '../pause/record.ts'
import { plannedWindow, refuseOutsideWindow, type PlannedWindow } from '../pause/window.ts'
import { plannedPauses, type PlannedPauses } from '../pause/workloads.ts'
import type { Into } from '../../core/texts/into-text.ts'
import { beginHooks, endHooks, endHooksAfterFailure } from '../hooks/hooks.ts'
import { claimJournal } from '../guard/claim-journal.ts'
import { enterStage, journalsOf, type RestoreJournal } from '../restore/journal.ts'
import { openBareTargets } from '../restore/targets.ts'
import { undoPlace } from './places.ts'
import { allKept, leaveNotUndone, undoAll } from './undo-all.ts'

/** What an undo is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const undoOrder = z.object({
  app: z.string(),
  ...fixedPlatform,
  restoreId: z.string().regex(/^[0-9a-f]{8}$/),
  /** The operator accepted that the app is stopped outside its maintenance windows. */
  outsideWindow: z.boolean().optional(),
})
export type UndoOrder = Readonly<z.infer<typeof undoOrder>>

/** What an undo will bring back, found in the world and not in a journal, so that it works from any machine. */
export interface UndoPlan extends UndoOrder, PlannedPauses {
  readonly components: readonly {
    readonly name: string
    readonly description: string
    readonly since: string
    readonly until: string
    /** Nothing was live before the restore, and nothing will be. */
    readonly wasNothing: boolean
  }[]
  readonly window?: PlannedWindow
  /** The place of that restore, where it is not the app's own. */
  readonly into?: Into
  /** What the operator types: the name of the app, or of the other place. */
  readonly confirmation: string
}

export interface UndoReport extends Omit<UndoPlan, 'platform'> {
  readonly durationMilliseconds: number
}

/** The newest restore of the app's own place that can be undone, or the one with this id, wherever it went. What an undo set aside is kept too, but it is no restore to undo. */
export async function planUndo(own: App, restoreId: string | undefined, context: OperationContext): Promise<UndoPlan> {
  const app = await undoPlace(own, restoreId, context)
  if (restoreId !== undefined) await refuseElsewhere(own, await journalOf(own, restoreId, context), context)
  const kept = (await allKept(app, context)).filter(
    (candidate) => restoreId === undefined || candidate.kept.restoreId === restoreId,
  )
  const newestFirst = kept.toSorted((a, b) => b.kept.since.getTime() - a.kept.since.getTime())
  for (const id of new Set(newestFirst.map((candidate) => candidate.kept.restoreId))) {
    const mine = kept.filter((candidate) => candidate.kept.restoreId === id)
    await refuseElsewhere(own, await journalOf(own, id, context), context)
    if (
      await canUndo(
        app,
        id,
        mine.map(({ name }) => name),
        context,
      )
    )
      return await planOf(app, id, mine, context)
  }
  throw nothingKept(app.name, restoreId)
}

type KeptComponent = Awaited<ReturnType<typeof allKept>>[number]

async function planOf(
  app: App,
  restoreId: string,
  kept: readonly KeptComponent[],
  context: OperationContext,
): Promise<UndoPlan> {
  const components = kept.map(({ name, kept: { description, since, until, wasNothing = false } }) => ({
    name,
    description,
    since: since.toISOString(),
    until: until.toISOString(),
    wasNothing,
  }))
  const paused = { ...(await plannedPauses(app, context)), ...plannedWindow(app, context) }
  const plan = {
    app: app.name,
    ...(await platformNow(app, context)),
    restoreId,
    components,
    ...paused,
    confirmation: app.name,
  }
  if (app.into === undefined) return plan
  const names = components.map(({ name }) => name)
  const targets = await openBareTargets(app, names, { mode: 'swap', restoreId }, context)
  return { ...plan, into: app.into, confirmation: targets.at(-1)?.target.confirmation ?? app.name }
}

/** Also when an undo was cut off after its last step: running it again closes its journal. */
async function canUndo(
  app: App,
  restoreId: string,
  names: readonly string[],
  context: OperationContext,
): Promise<boolean> {
  if ((await journalOf(app, restoreId, context))?.stage === 'undoing') return true
  const record = await loadRecord(app.name, context)
  if (record?.operation === 'undo' && record.id === restoreId) return true
  const targets = await openBareTargets(app, names, { mode: 'swap', restoreId }, context)
  const states = await Promise.all(targets.map(({ target }) => target.state(context)))
  return states.includes('swapped')
}

/**
 * Makes the data from before a restore live again, component by component; each is idempotent, so an undo that was cut
 * off is run again. What the restore had brought is kept aside until it is pruned.
 */
export function runUndo(app: App, order: UndoOrder, context: OperationContext): Promise<UndoReport> {
  return asOperation(app, context, (own) => undo(app, order, own))
}

async function undo(
  own: App,
  { restoreId, outsideWindow, platform }: UndoOrder,
  context: OperationContext,
): Promise<UndoReport> {
  const begun = context.clock.monotonic()
  await refuseSwitched(own, platform, context)
  await bringBack(own, context, true)
  const { platform: _fixed, ...plan } = await planUndo(own, restoreId, context)
  const app = await undoPlace(own, restoreId, context)
  refuseOutsideWindow(app, 'an undo', outsideWindow, context)
  const components = plan.components.map(({ name }) => name)
  const journal = await journalOf(app, plan.restoreId, context)
  if (journal !== undefined) await beginUndo(journal, context)
  const targets = await openBareTargets(app, components, { mode: 'swap', restoreId: plan.restoreId }, context)
  await carryOut(app, plan, { targets, journal }, context)
  return { ...plan, durationMilliseconds: Math.round(context.clock.monotonic() - begun) }
}

async function carryOut(app: App, plan: UndoPlan, undoing: Undoing, context: OperationContext): Promise<void> {
  const { restoreId, components } = plan
  const { targets, journal } = undoing
  const holder = { operation: 'undo', id: restoreId, components: components.map(({ name }) => name) } as const
  // What was not undone is left before the app is started again.
  const undone = (): Promise<void> =>
    orLeave(app, plan, undoing, () => undoAll(app, restoreId, targets, context), context)
  const held = async (): Promise<void> => {
    await whileHeld(app, holder, undone, context)
    if (journal !== undefined) await enterStage(journal, 'undone', context.records, context.clock)
  }
  await orLeave(app, plan, undoing, () => hooked(app, restoreId, held, context), context)
}

/** The app is stopped between its hooks. */
async function hooked(app: App, id: string, act: () => Promise<void>, context: OperationContext): Promise<void> {
  try {
    await beginHooks(app, { kind: 'Restore', operation: 'undo', id }, context)
    await act()
  } catch (error) {
    await endHooksAfterFailure(app, id, context)
    throw error
  }
  await endHooks(app, id, 'done', context)
}

/** An undo that failed before its first change leaves what was live, and what was noted of it. */
async function orLeave(
  app: App,
  { restoreId }: UndoPlan,
  undoing: Undoing,
  act: () => Promise<void>,
  context: OperationContext,
): Promise<void> {
  try {
    await act()
  } catch (error) {
    await leave(app, restoreId, undoing, { ...context, signal: new AbortController().signal })
    throw error
  }
}

async function beginUndo(journal: RestoreJournal, context: OperationContext): Promise<void> {
  await enterStage(await claimJournal(journal, context), 'undoing', context.records, context.clock)
}

interface Undoing {
  readonly targets: Awaited<ReturnType<typeof openBareTargets>>
  readonly journal: RestoreJournal | undefined
}

/** The failure of the undo is the one that is thrown; this one is told. */
async function leave(
  app: App,
  restoreId: string,
  { targets, journal }: Undoing,
  context: OperationContext,
): Promise<void> {
  try {
    if (!(await leaveNotUndone(app, restoreId, targets, context)) || journal === undefined) return
    // An earlier undo that died changed nothing either.
    const stage = journal.stage === 'undoing' ? 'done' : journal.stage
    await enterStage(journal, stage, context.records, context.clock)
  } catch (error) {
    context.progress({ type: 'warning', message: `whether anything was undone cannot be asked: ${describe(error)}` })
  }
}

async function journalOf(app: App, restoreId: string, context: OperationContext): Promise<RestoreJournal | undefined> {
  return (await journalsOf(app.name, context.records)).find((journal) => journal.restoreId === restoreId)
}

function nothingKept(app: string, restoreId: string | undefined): Failure {
  const what = restoreId === undefined ? 'no restore that can be undone' : `nothing kept from restore ${restoreId}`
  return new Failure('notFound', `app ${app} has ${what}`, {
    hint: 'What a swap replaced is kept for 72 hours unless the configuration says otherwise. The safety point of the restore is still in the repository: see holdfast points.',
  })
}
