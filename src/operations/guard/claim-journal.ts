import { Failure } from '../../core/failure.ts'
import type { OperationContext } from '../app.ts'
import { haveExpired } from './heartbeat.ts'
import { withAppLock } from '../pause/app-lock.ts'
import { journalsOf, saveJournal, type RestoreJournal } from '../restore/journal.ts'

/** Whether another operation that runs now is at this restore. */
export async function isAtWork({ owner }: RestoreJournal, { processes }: OperationContext): Promise<boolean> {
  if (owner === undefined || owner === (await processes.self())) return false
  return await processes.isRunning(owner)
}

/** Takes over a restore whose process died. Fails with `locked` while another operation is at it. */
export async function claimJournal(journal: RestoreJournal, context: OperationContext): Promise<RestoreJournal> {
  await refuseAtWork(journal, context)
  return await takeJournal(journal, context)
}

/** The same where the caller has seen that nobody is at it. Fails with `locked` where somebody took it since. */
export async function takeJournal(seen: RestoreJournal, context: OperationContext): Promise<RestoreJournal> {
  return await withAppLock(seen.app, context, async () => {
    const all = await journalsOf(seen.app, context.records)
    const now = all.find(({ restoreId }) => restoreId === seen.restoreId)
    if (now === undefined || now.owner !== seen.owner || now.stage !== seen.stage) throw runsNow(seen)
    const own = { ...now, owner: await context.processes.self() }
    await saveJournal(own, context.records, context.clock)
    return own
  })
}

/** Fails with `locked` while another operation is at it. */
export async function refuseAtWork(journal: RestoreJournal, context: OperationContext): Promise<void> {
  const { app, owner } = journal
  if (owner === undefined || !(await isAtWork(journal, context))) return
  // Who cannot be seen from here would else be waited for without end.
  if (await haveExpired(app, [owner], context)) return
  throw runsNow(journal)
}

function runsNow({ app, restoreId }: RestoreJournal): Failure {
  return new Failure('locked', `restore ${restoreId} of app ${app} runs now`, {
    hint: 'Wait until it has ended, then run this again.',
  })
}
