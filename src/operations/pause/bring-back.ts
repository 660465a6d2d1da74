import { throwIfCancelled } from '../../core/cancelled.ts'
import { describe } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { bringUp, type GuardReport } from '../guard/guard.ts'

/**
 * Brings the app back where an operation died that kept it down, and that may be. Begins every command that takes the app. What
 * keeps it down is told, and keeps that command from nothing. Who ends an unfinished restore is not told of it.
 */
export async function bringBack(app: App, context: OperationContext, endsUnfinished = false): Promise<void> {
  try {
    tell(await bringUp(app, { isAsked: false, endsUnfinished }, context), endsUnfinished, context)
  } catch (error) {
    throwIfCancelled(error, context.signal)
    context.progress({ type: 'warning', message: `what is paused of app ${app.name} stays so: ${describe(error)}` })
  }
}

function tell(report: GuardReport, endsUnfinished: boolean, { progress }: OperationContext): void {
  const { app, outcome, workloads, settled, because, reason = '', hint = '' } = report
  if (outcome === 'up' || (endsUnfinished && because === 'unfinished')) return
  const names = workloads.join(', ')
  if (outcome !== 'brought back') {
    const message = `${names} stay stopped: ${reason}. ${hint}`
    if (names !== '') progress({ type: outcome === 'paused' ? 'note' : 'warning', message })
    return
  }
  const opened = settled === undefined ? '' : `; ${SETTLED[settled.how]}`
  const started = names === '' ? 'writers are let in' : `${names} are started`
  progress({ type: 'note', message: `an operation was cut off and left app ${app} down: ${started}${opened}` })
}

/** What became of the restore or undo that died. */
const SETTLED: Readonly<Record<NonNullable<GuardReport['settled']>['how'], string>> = {
  'let in': 'nothing of its data was changed',
  finish: 'its restored data is live',
  'take back': 'its restore was taken back, and the data from before is live',
  'undo on': 'its undo was finished',
  leave: 'its data may be a mixture',
}
