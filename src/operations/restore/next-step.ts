import { intoOptions } from '../../core/texts/into-text.ts'
import type { RestoreJournal } from './journal.ts'

/** Whether a restore that was cut off is finished by going forward: its data is proven and beside, or already live. */
export function canContinue(journal: RestoreJournal): boolean {
  // In place only opening is left to do; before that, what is live is not proven.
  if (journal.mode === 'in-place') return journal.stage === 'reopening'
  return ['staged', 'fencing', 'swapping', 'reopening'].includes(journal.stage)
}

/** What to do about a restore that is unfinished, as full sentences: only what will be taken. */
export function nextStepFor(journal: RestoreJournal): string {
  const { app, into, restoreId } = journal
  const abandon = `holdfast restore ${app}${intoOptions(into)} --abandon`
  if (canContinue(journal))
    return `Finish it with holdfast restore ${app}${intoOptions(into)} --continue, or go back to the data from before with --abandon.`
  const undo = `holdfast undo ${app}${into === undefined ? '' : ` --restore ${restoreId}`}`
  if (journal.stage === 'undoing') return `Finish it with ${undo}, or run ${abandon}.`
  return `Run ${abandon}, then restore again.${afterwards(journal)}`
}

function afterwards({ mode, stage, app, safetyPoint }: RestoreJournal): string {
  if (mode !== 'in-place') return ' The live data is as before.'
  if (stage !== 'loading') return ''
  return ` It says whether the live data was changed. If it may be a mixture of before and after: ${wayBack(app, safetyPoint)}`
}

/** From live data that may be a mixture to whole data. */
export function wayBack(app: string, safetyPoint: string | null): string {
  return safetyPoint === null
    ? 'There is no safety point: restore again, or restore another point.'
    : `Go back with holdfast restore ${app} --target in-place --at ${safetyPoint}, or restore again.`
}
