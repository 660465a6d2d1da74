import { z } from 'zod'
import { describe, Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { asOperation } from '../as-operation.ts'
import { isOneLine } from '../backup/note.ts'
import { fixedPlatform, platformNow, refuseSwitched } from '../fixed-platform.ts'
import { unfinishedJournal } from '../restore/journal.ts'
import { letGo, noteHeld, refuseOther } from './hold.ts'
import { heldBy, touchesLive } from './may-resume.ts'
import { adoptRecord, findRecord, loadRecord, removeRecord, saveRecord, type PauseRecord } from './record.ts'
import { outsideWindow, plannedWindow, refuseOutsideWindow, type PlannedWindow } from './window.ts'
import {
  comesBackOf,
  runningWorkloads,
  startWorkloads,
  stopWorkloads,
  workloadsToPause,
  type ComesBack,
} from './workloads.ts'

/** What a pause is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const pauseOrder = z.object({
  app: z.string(),
  ...fixedPlatform,
  id: z.string(),
  /** Why, for everybody who finds the app stopped. */
  reason: z.string().nullable(),
  /** When it ends by itself; null where only `holdfast resume` ends it. */
  until: z.string().nullable().default(null),
  /** The operator accepted that the app is stopped outside its maintenance windows. */
  outsideWindow: z.boolean().optional(),
})
export type PauseOrder = Readonly<z.infer<typeof pauseOrder>>

/** An order, and what people should know before it runs. */
export interface PausePlan extends PauseOrder {
  /** In the order in which they are stopped. */
  readonly workloads: readonly string[]
  /** What each of them comes back to, in the same order. */
  readonly comesBack: readonly ComesBack[]
  readonly window?: PlannedWindow
  readonly confirmation: string
}

/** `workloads` are stopped now; none where nothing ran. */
export type PauseReport = Omit<PausePlan, 'confirmation' | 'window' | 'outsideWindow' | 'platform' | 'comesBack'>

export interface PauseRequest {
  readonly reason?: string | undefined
  /** How long it lasts; until `holdfast resume` when absent. */
  readonly forMilliseconds?: number | undefined
  /** Ids of refusals that the operator accepted. */
  readonly accept?: readonly string[] | undefined
}

/** Says what would be stopped; changes nothing. Fails with `refused` while a restore of the app is unfinished. */
export async function planPause(
  app: App,
  { reason, forMilliseconds, accept = [] }: PauseRequest,
  context: OperationContext,
): Promise<PausePlan> {
  if (reason !== undefined && !isOneLine(reason.trim())) throw longReason()
  await refuseUnpausable(app, await findRecord(app, context), context)
  const workloads = await workloadsToPause(app, context)
  const until = forMilliseconds === undefined ? null : endOf(forMilliseconds, context)
  const said = { reason: reason?.trim() ?? null, until }
  const comesBack = await comesBackOf(app, workloads, context)
  const beside = { ...(await platformNow(app, context)), ...plannedWindow(app, context), ...outsideWindow(accept) }
  return { app: app.name, id: context.newId(), ...said, workloads, comesBack, ...beside, confirmation: app.name }
}

/**
 * Stops what runs of the app, until `holdfast resume`. Whatever fails, what was stopped is started again; who dies in here
 * leaves a pause that `holdfast resume` ends.
 */
export function runPause(app: App, order: PauseOrder, context: OperationContext): Promise<PauseReport> {
  return asOperation(app, context, (own) => pause(app, order, own))
}

async function pause(
  app: App,
  { id, reason, until, outsideWindow: isAccepted, platform }: PauseOrder,
  context: OperationContext,
): Promise<PauseReport> {
  await refuseSwitched(app, platform, context)
  refuseOutsideWindow(app, 'a pause', isAccepted, context)
  const before = await adoptRecord(app, context)
  await refuseUnpausable(app, before, context)
  const running = await runningWorkloads(app, context)
  const since = before?.planned?.since ?? context.clock.now().toISOString()
  try {
    const ends = until ?? before?.planned?.until
    const said = { reason: reason ?? before?.planned?.reason ?? null, ...(ends === undefined ? {} : { until: ends }) }
    const planned = { id, since, ...said }
    const workloads = await noteHeld(app, { operation: 'pause', id, planned }, context)
    await stopWorkloads(app, workloads, context)
    const record = await loadRecord(app.name, context)
    if (record !== undefined) await letGo(record, context)
    return { app: app.name, id, reason: planned.reason, until: ends ?? null, workloads }
  } catch (error) {
    await goBack(app, { id, before, running }, context)
    throw error
  }
}

function endOf(milliseconds: number, { clock }: OperationContext): string {
  return new Date(clock.now().getTime() + milliseconds).toISOString()
}

function longReason(): Failure {
  return new Failure('usage', 'the reason is not one line of 1 to 200 printable characters', {
    hint: 'Shorten it to one line.',
  })
}

/** What a pause has to bring back. */
interface Begun {
  readonly id: string
  readonly before: PauseRecord | undefined
  /** What ran when it began. */
  readonly running: readonly string[]
}

/** Also after a cancellation. The failure that led here is the one that is thrown; this one is told. */
async function goBack(app: App, { id, before, running }: Begun, context: OperationContext): Promise<void> {
  const afterwards = { ...context, signal: new AbortController().signal }
  try {
    // Another operation may have taken the app meanwhile: its record is not ours to end.
    if ((await loadRecord(app.name, afterwards))?.id !== id) return
    await startWorkloads(app, running, afterwards)
    await (before === undefined ? removeRecord(app.name, afterwards) : saveRecord(before, afterwards))
  } catch (error) {
    const message = `${describe(error)}; holdfast resume ${app.name} tries again`
    context.progress({ type: 'warning', message })
  }
}

async function refuseUnpausable(app: App, record: PauseRecord | undefined, context: OperationContext): Promise<void> {
  if (app.platform === undefined)
    throw new Failure('usage', `app ${app.name} has no platform, so nothing of it can be stopped`, {
      hint: `Say under apps.${app.name}.platform what is to be stopped.`,
    })
  await refuseOther(record, context)
  const unfinished = await unfinishedJournal(app.name, context.records)
  if (unfinished === undefined || !touchesLive(unfinished)) return
  const { reason, hint } = heldBy(unfinished)
  throw new Failure('refused', reason, { hint })
}
