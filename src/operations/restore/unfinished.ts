import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { unfinishedJournal, type RestoreJournal } from './journal.ts'
import { howToGoOn } from './resume.ts'

/** Fails with `refused` while a restore or undo of the app is unfinished: nothing may begin over it. */
export async function refuseUnfinished(app: App, { records }: OperationContext): Promise<void> {
  const journal = await unfinishedJournal(app.name, records)
  if (journal === undefined) return
  throw new Failure(
    'refused',
    `restore ${journal.restoreId} of app ${app.name} is unfinished: it stopped while ${journal.stage}`,
    { hint: howToGoOn(journal) },
  )
}

/** The journal of the restore that is unfinished. Fails with `notFound` when there is none on this machine. */
export async function requireUnfinished(app: App, { records }: OperationContext): Promise<RestoreJournal> {
  const journal = await unfinishedJournal(app.name, records)
  if (journal !== undefined) return journal
  throw new Failure('notFound', `app ${app.name} has no unfinished restore on this machine`, {
    hint: 'The journal of a restore is in the state folder of the machine that ran it; run this there.',
  })
}
