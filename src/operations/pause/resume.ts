import { z } from 'zod'
import { acceptOptions } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { asOperation } from '../as-operation.ts'
import { refuseElsewhere } from '../fixed-platform.ts'
import { bringUp } from '../guard/guard.ts'
import type { Judgement } from '../guard/judge.ts'
import { lookDown } from '../guard/look-down.ts'
import { lookAt } from '../guard/settle.ts'
import { claimRecord, startAll } from './hold.ts'
import { heldBy, mayResume, type MayNot, type MayResume, type PauseFacts } from './may-resume.ts'
import { adoptRecord, findRecord, loadRecord, type PauseRecord } from './record.ts'

/** What a resume is to do: all that a later process or another machine needs, and nothing else. It can be stored as JSON. */
export const resumeOrder = z.object({
  app: z.string(),
  /** Ids of refusals that the operator accepted. */
  accept: z.array(z.string()).readonly(),
})
export type ResumeOrder = Readonly<z.infer<typeof resumeOrder>>

/** An order, and what people should know before it runs. */
export interface ResumePlan extends ResumeOrder {
  /** Who stopped them; absent where nothing is stopped. */
  readonly paused?: Pick<PauseRecord, 'operation' | 'id' | 'since' | 'live'>
  /** Why a person paused the app. */
  readonly reason: string | null
  /** In the order in which they are started. */
  readonly workloads: readonly string[]
  /** What is done first with a restore or undo that died; absent where nothing of one was left. */
  readonly settles?: Judgement
}

/** `workloads` run again. */
export type ResumeReport = Pick<ResumePlan, 'app' | 'paused' | 'workloads' | 'settles'>

/**
 * Says what would be started; changes nothing. Fails with `refused` where live data may be mixed or a person must end a restore,
 * and with `locked` while the operation that keeps the app down runs.
 */
export async function planResume(app: App, accept: readonly string[], context: OperationContext): Promise<ResumePlan> {
  const record = await findRecord(app, context)
  const left = await lookDown(app, record, context)
  if (left === undefined) return planOf(app, undefined, accept)
  await refuseElsewhere(app, record, context)
  await refuseElsewhere(app, left.facts.unfinished, context)
  const judgement =
    left.facts.isRunning || left.unsettled === undefined ? undefined : await lookAt(app, left.unsettled, context)
  if (judgement === undefined || judgement === 'leave') {
    const noted = judgement === undefined ? record : record && { ...record, live: 'unsure' as const }
    refuseUnready(app, noted, { ...left.facts, isAsked: true }, accept)
    return planOf(app, record, accept)
  }
  const whole = record && { ...record, live: left.unsettled?.work === 'undo' ? ('restored' as const) : LIVE[judgement] }
  refuseUnready(app, whole, { ...left.facts, unfinished: undefined, isAsked: true }, accept)
  return { ...planOf(app, whole, accept), settles: judgement }
}

const LIVE = { 'let in': 'before', 'take back': 'before', finish: 'restored', 'undo on': 'restored' } as const

/** Lets writers in to whole data, starts what is stopped and forgets the pause; where nothing is, it does nothing. One that cannot be started keeps no other down. */
export function runResume(app: App, order: ResumeOrder, context: OperationContext): Promise<ResumeReport> {
  return asOperation(app, context, (own) => resume(app, order, own))
}

async function resume(app: App, { accept }: ResumeOrder, context: OperationContext): Promise<ResumeReport> {
  const before = await adoptRecord(app, context)
  const { outcome, settled } = await bringUp(app, { isAsked: true, endsUnfinished: false, accept }, context)
  const record = outcome === 'brought back' ? before : await loadRecord(app.name, context)
  if (outcome !== 'brought back' && outcome !== 'up') {
    const facts = (await lookDown(app, record, context))?.facts
    if (facts !== undefined) refuseUnready(app, record, { ...facts, isAsked: true }, accept)
    if (record !== undefined && !(await claimRecord(record, context))) throw takenMeanwhile(app)
    if (record !== undefined) await startAll(app, record, context, accept)
  }
  const { accept: _accepted, reason: _reason, ...report } = planOf(app, record, accept)
  return { ...report, ...(settled === undefined ? {} : { settles: settled.how }) }
}

function planOf(app: App, record: PauseRecord | undefined, accept: readonly string[]): ResumePlan {
  if (record === undefined) return { app: app.name, accept, reason: null, workloads: [] }
  const { operation, id, since, live, planned, workloads } = record
  const paused = { operation, id, since, live }
  return { app: app.name, accept, paused, reason: planned?.reason ?? null, workloads: workloads.toReversed() }
}

function refuseUnready(app: App, record: PauseRecord | undefined, facts: PauseFacts, accept: readonly string[]): void {
  const answer = record === undefined ? withoutRecord(app, facts) : mayResume(record, facts)
  if (answer.may) return
  if (answer.because !== 'unsure') throw refusal(answer)
  const id = { accept: 'unsure-data' }
  if (accept.includes(id.accept)) return
  const { reason, hint } = answer
  const past = `To start the app over this data all the same: holdfast resume ${app.name} ${acceptOptions([id.accept])}.`
  throw new Failure('refused', reason, { hint: `${hint} ${past}`, facts: id })
}

/** Nothing was stopped, and a restore has locked writers out. */
function withoutRecord({ name }: App, { isRunning, unfinished }: PauseFacts): MayResume {
  if (unfinished === undefined) return { may: true }
  if (!isRunning) return heldBy(unfinished)
  const reason = `restore ${unfinished.restoreId} of app ${name} runs now`
  return { may: false, because: 'it runs', reason, hint: 'Wait until it has ended.' }
}

function takenMeanwhile({ name }: App): Failure {
  const message = `another operation took app ${name} just now`
  return new Failure('locked', message, { hint: 'Wait until it has ended, then run this again.' })
}

function refusal({ because, reason, hint }: MayNot): Failure {
  return new Failure(because === 'it runs' ? 'locked' : 'refused', reason, { hint })
}
