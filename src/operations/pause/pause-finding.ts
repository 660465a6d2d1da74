import type { Finding } from '../../core/restore-point.ts'
import type { App, OperationContext } from '../app.ts'
import { factsOf } from './bring-back.ts'
import { mayResume } from './may-resume.ts'
import { findRecord } from './record.ts'

/** What Holdfast keeps stopped of the app, and why. Changes nothing. */
export async function pauseFinding(app: App, context: OperationContext): Promise<readonly Finding[]> {
  const record = await findRecord(app, context)
  if (record === undefined) return []
  const { operation, id, since, workloads } = record
  const answer = mayResume(record, await factsOf(app, record, { isAsked: false }, context))
  const stopped = `${operation} ${id} stopped ${workloads.join(', ')} (${since})`
  const [subject, hint] = ['pause', answer.may ? `Run holdfast resume ${app.name} to start them.` : answer.hint]
  const isSound = answer.may || answer.because === 'planned' || answer.because === 'it runs'
  const message = answer.may ? `${stopped}, and was cut off` : `${stopped}: ${answer.reason}`
  return [{ level: isSound ? 'warning' : 'error', subject, message, hint }]
}
