import { toFailure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { noteRestored } from '../lineage/server-notes.ts'
import { noteLive } from '../pause/hold.ts'
import type { PauseRecord } from '../pause/record.ts'
import { takeJournal } from './claim-journal.ts'
import { enterStage, type RestoreJournal, type RestoreStage } from '../restore/journal.ts'
import { isLiveAsBefore, reopenAll, rollBack, type TakenBack } from '../restore/phases.ts'
import { openBareTargets } from '../restore/targets.ts'
import { leaveNotUndone, undoAll } from '../undo/undo-all.ts'
import { judge, type Found, type Judgement } from './judge.ts'

/** A restore or undo that died, by its journal or, where this machine has none, by the record of its pause. */
export interface Unsettled {
  readonly work: Found['work']
  readonly id: string
  readonly components: readonly string[]
  readonly journal: RestoreJournal | undefined
}

/** What of a dead restore or undo is to be asked of the databases; undefined where nothing of it can have touched them. */
export function unsettledOf(
  record: PauseRecord | undefined,
  journal: RestoreJournal | undefined,
): Unsettled | undefined {
  if (journal !== undefined) {
    const work = journal.stage === 'undoing' ? 'undo' : journal.mode
    return { work, id: journal.restoreId, components: journal.components, journal }
  }
  if (record === undefined || (record.operation !== 'restore' && record.operation !== 'undo')) return undefined
  const { operation, id, components } = record
  // Without its journal nobody knows how it restored.
  if (operation === 'restore' && record.live === 'unsure') return undefined
  return { work: operation === 'undo' ? 'undo' : 'swap', id, components, journal: undefined }
}

/**
 * Brings live data to what is whole, as its databases say, and lets writers in. Gives what it found; `leave` changed nothing but
 * the record. The caller has seen that nobody is at it. Can be called again after a death anywhere. Fails where the databases cannot be asked.
 */
export async function settle(app: App, unsettled: Unsettled, context: OperationContext): Promise<Judgement> {
  const { journal } = unsettled
  const own = { ...unsettled, journal: journal && (await takeJournal(journal, context)) }
  const targets = await targetsOf(app, own, context)
  const judgement = judge(await find(own, targets, context))
  await ACTS[judgement](app, own, targets, context)
  return judgement
}

/** What `settle` would do. Changes nothing. */
export async function lookAt(app: App, unsettled: Unsettled, context: OperationContext): Promise<Judgement> {
  return judge(await find(unsettled, await targetsOf(app, unsettled, context), context))
}

type Targets = Awaited<ReturnType<typeof openBareTargets>>

function targetsOf(
  app: App,
  { work, id, components, journal }: Unsettled,
  context: OperationContext,
): Promise<Targets> {
  const mode = work === 'undo' ? 'swap' : work
  return openBareTargets(app, components, { mode, restoreId: id, accept: journal?.accept }, context)
}

async function find({ work, journal }: Unsettled, targets: Targets, context: OperationContext): Promise<Found> {
  const states = await Promise.all(targets.map(({ target }) => target.state(context)))
  const isAsBefore = work === 'in-place' && (await isLiveAsBefore(targets, context))
  return { work, stage: journal?.stage, states, isAsBefore }
}

type Act = (app: App, own: Unsettled, targets: Targets, context: OperationContext) => Promise<void>

const ACTS: Readonly<Record<Judgement, Act>> = {
  'let in': (app, own, targets, context) => LET_IN[own.work](app, own, targets, context),
  'take back': takeBack,
  async 'undo on'(app, own, targets, context) {
    await undoAll(app, own.id, targets, context)
    await enter(own, 'undone', context)
  },
  async finish(app, own, targets, context) {
    await reopenAll(targets, context)
    await noteLive(app, own.id, 'restored', context)
    await enter(own, 'done', context)
    await noteRestored(app, own.components, context).catch((error: unknown) =>
      context.progress({
        type: 'warning',
        message: `where the server is now is not noted: ${toFailure(error).message}`,
      }),
    )
  },
  leave: (app, own, _targets, context) => noteLive(app, own.id, 'unsure', context),
}

const LET_IN: Readonly<Record<Unsettled['work'], Act>> = {
  async swap(app, own, targets, context) {
    await reopenAll(targets, context)
    const states = await Promise.all(targets.map(({ target }) => target.state(context)))
    // What was half changed may not go forward any more.
    if (own.journal !== undefined && !states.every((state) => state === 'staged'))
      return await takeBack(app, own, targets, context)
    await noteLive(app, own.id, 'before', context)
    if (isProven(own.journal)) await enter(own, 'staged', context)
  },
  async 'in-place'(app, own, targets, context) {
    // To open takes the mark away that says that nothing was changed. Who dies behind it must find that here.
    await enter(own, 'fencing', context)
    await reopenAll(targets, context)
    await noteLive(app, own.id, 'before', context)
    await enter(own, 'abandoned', context)
  },
  async undo(app, own, targets, context) {
    if (await leaveNotUndone(app, own.id, targets, context)) await enter(own, 'done', context)
  },
}

/** Before, the data beside was not compared. */
function isProven(journal: RestoreJournal | undefined): boolean {
  return journal !== undefined && journal.stage !== 'planned' && journal.stage !== 'loading'
}

async function takeBack(app: App, own: Unsettled, targets: Targets, context: OperationContext): Promise<void> {
  await rollBack(targets, takenBack(own.journal), context)
  await noteLive(app, own.id, 'before', context)
  await enter(own, 'abandoned', context)
}

/** Only while it swapped is it certain that no writer was in what it brought. */
function takenBack(journal: RestoreJournal | undefined): TakenBack {
  return journal?.stage === 'swapping' ? 'forgotten' : 'kept aside'
}

async function enter({ journal }: Unsettled, stage: RestoreStage, context: OperationContext): Promise<void> {
  if (journal !== undefined) await enterStage(journal, stage, context.records, context.clock)
}
