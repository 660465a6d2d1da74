import { throwIfCancelled } from '../../core/cancelled.ts'
import { describe } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { unfinishedJournal } from '../restore/journal.ts'
import { isHeldElsewhere, startAll, tellStopped } from './hold.ts'
import { mayResume, type PauseFacts } from './may-resume.ts'
import { adoptRecord, type PauseRecord } from './record.ts'

/**
 * Starts what an operation stopped that died, where that may be. Begins every command that takes the app. What keeps it
 * from starting them is told, and keeps that command from nothing. An unfinished restore is not told to who ends it.
 */
export async function bringBack(app: App, context: OperationContext, endsUnfinished = false): Promise<void> {
  try {
    const record = await adoptRecord(app, context)
    if (record === undefined) return
    const answer = mayResume(record, await factsOf(app, record, { isAsked: false }, context))
    if (!answer.may) {
      if (answer.because !== 'unfinished' || !endsUnfinished) tellStopped(record, answer, context)
      return
    }
    const { workloads, operation, id } = record
    const message = `${operation} ${id} of app ${app.name} was cut off and left ${workloads.join(', ')} stopped; they are started`
    context.progress({ type: 'note', message })
    await startAll(app, record, context)
  } catch (error) {
    throwIfCancelled(error, context.signal)
    context.progress({ type: 'warning', message: `what is paused of app ${app.name} stays so: ${describe(error)}` })
  }
}

export async function factsOf(
  app: App,
  record: PauseRecord,
  { isAsked }: Pick<PauseFacts, 'isAsked'>,
  context: OperationContext,
): Promise<PauseFacts> {
  const isRunning = await isHeldElsewhere(record, context)
  return { isRunning, unfinished: await unfinishedJournal(app.name, context.records), isAsked }
}
