import { describe } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { App, OperationContext } from '../app.ts'
import { refuseElsewhere } from '../fixed-platform.ts'
import { lookDown, type LeftDown } from '../guard/look-down.ts'
import { lookAt } from '../guard/settle.ts'
import { owedHooks } from '../hooks/hooks.ts'
import { heldBy, mayResume, type MayResume } from './may-resume.ts'
import { findRecord } from './record.ts'

/** What Holdfast keeps down of the app, and why. Asks the databases where a restore or undo died. Changes nothing. */
export async function pauseFinding(app: App, context: OperationContext): Promise<readonly Finding[]> {
  return [...(await downFinding(app, context)), ...(await hookFinding(app, context))]
}

async function hookFinding(app: App, context: OperationContext): Promise<readonly Finding[]> {
  const hint = `Run holdfast guard ${app.name}: it runs them once their operation is dead.`
  return (await owedHooks(app, context)).map((message) => ({ level: 'warning', subject: 'hooks', message, hint }))
}

async function downFinding(app: App, context: OperationContext): Promise<readonly Finding[]> {
  const left = await lookDown(app, await findRecord(app, context), context)
  if (left === undefined) return []
  const answer = await answerOf(app, left, context)
  const stopped = whatOf(left)
  const [subject, hint] = ['pause', answer.may ? `Run holdfast resume ${app.name} to bring it back.` : answer.hint]
  const isSound = answer.may || answer.because === 'planned' || answer.because === 'it runs'
  const message = answer.may ? `${stopped}, and was cut off` : `${stopped}: ${answer.reason}`
  return [{ level: isSound ? 'warning' : 'error', subject, message, hint }]
}

function whatOf({ record, facts: { unfinished } }: LeftDown): string {
  if (record === undefined) return `restore ${unfinished?.restoreId ?? ''} locks writers out`
  const { operation, id, since, workloads } = record
  return `${operation} ${id} stopped ${workloads.join(', ')} (${since})`
}

async function answerOf(app: App, left: LeftDown, context: OperationContext): Promise<MayResume> {
  const { record, facts, unsettled } = left
  const noted = asNoted(left)
  if (facts.isRunning || unsettled === undefined) return noted
  try {
    await refuseElsewhere(app, record, context)
    await refuseElsewhere(app, facts.unfinished, context)
    const judgement = await lookAt(app, unsettled, context)
    if (judgement === 'leave')
      return record === undefined ? noted : asNoted({ ...left, record: { ...record, live: 'unsure' } })
    const whole = record && { ...record, live: 'before' as const }
    return asNoted({ ...left, record: whole, facts: { ...facts, unfinished: undefined } })
  } catch (error) {
    if (context.signal.aborted) throw error
    // What cannot be asked is not whole.
    const reason = `whether its data is whole cannot be asked: ${describe(error)}`
    return { may: false, because: 'unsure', reason, hint: noted.may ? `Run holdfast resume ${app.name}.` : noted.hint }
  }
}

function asNoted({ record, facts }: LeftDown): MayResume {
  if (record !== undefined) return mayResume(record, { ...facts, isAsked: false })
  if (facts.unfinished === undefined) return { may: true }
  const held = heldBy(facts.unfinished)
  return facts.isRunning ? { ...held, because: 'it runs' } : held
}
