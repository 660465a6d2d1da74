import { z } from 'zod'
import { acceptOptions } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { factsOf } from './bring-back.ts'
import { startAll } from './hold.ts'
import { mayResume, type MayNot } from './may-resume.ts'
import { adoptRecord, findRecord, type PauseRecord } from './record.ts'

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
}

/** `workloads` run again. */
export type ResumeReport = Pick<ResumePlan, 'app' | 'paused' | 'workloads'>

/**
 * Says what would be started; changes nothing. Fails with `refused` while a restore holds the app or its live data may be
 * mixed, and with `locked` while the operation that paused it runs.
 */
export async function planResume(app: App, accept: readonly string[], context: OperationContext): Promise<ResumePlan> {
  const record = await findRecord(app, context)
  if (record !== undefined) await refuseUnready(app, record, accept, context)
  return planOf(app, record, accept)
}

/** Starts what is stopped and forgets the pause; where nothing is, it does nothing. One that cannot be started keeps no other down. */
export async function runResume(app: App, { accept }: ResumeOrder, context: OperationContext): Promise<ResumeReport> {
  const record = await adoptRecord(app, context)
  if (record !== undefined) {
    await refuseUnready(app, record, accept, context)
    await startAll(app, record, context)
  }
  const { accept: _accepted, reason: _reason, ...report } = planOf(app, record, accept)
  return report
}

function planOf(app: App, record: PauseRecord | undefined, accept: readonly string[]): ResumePlan {
  if (record === undefined) return { app: app.name, accept, reason: null, workloads: [] }
  const { operation, id, since, live, planned, workloads } = record
  const paused = { operation, id, since, live }
  return { app: app.name, accept, paused, reason: planned?.reason ?? null, workloads: workloads.toReversed() }
}

async function refuseUnready(
  app: App,
  record: PauseRecord,
  accept: readonly string[],
  context: OperationContext,
): Promise<void> {
  const answer = mayResume(record, await factsOf(app, record, { isAsked: true }, context))
  if (answer.may) return
  if (answer.because !== 'unsure') throw refusal(answer)
  const id = { accept: 'unsure-data' }
  if (accept.includes(id.accept)) return
  const { reason, hint } = answer
  const past = `To start the app over this data all the same: holdfast resume ${app.name} ${acceptOptions([id.accept])}.`
  throw new Failure('refused', reason, { hint: `${hint} ${past}`, facts: id })
}

function refusal({ because, reason, hint }: MayNot): Failure {
  return new Failure(because === 'it runs' ? 'locked' : 'refused', reason, { hint })
}
