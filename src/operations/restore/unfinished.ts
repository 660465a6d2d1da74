import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { appInto, componentsInto } from './into/app-into.ts'
import { describeInto, intoOptions, type Into } from '../../core/texts/into-text.ts'
import { isSameInto } from './into/into.ts'
import { relationOf } from './into/places.ts'
import { unfinishedJournal, unfinishedJournals, type RestoreJournal } from './journal.ts'
import { nextStepFor } from './next-step.ts'

/**
 * Fails with `refused` while a restore or undo of this place is unfinished: nothing may begin over it. One of another place
 * keeps no restore from this one.
 */
export async function refuseUnfinished(app: App, into: Into | undefined, context: OperationContext): Promise<void> {
  const journal =
    into === undefined ? await unfinishedJournal(app.name, context.records) : await unfinishedAt(app, into, context)
  if (journal === undefined) return
  throw new Failure(
    'refused',
    `restore ${journal.restoreId} of app ${app.name} is unfinished: it stopped while ${journal.stage}`,
    { hint: nextStepFor(journal) },
  )
}

/** At the same place, by whatever name. */
async function unfinishedAt(app: App, into: Into, context: OperationContext): Promise<RestoreJournal | undefined> {
  const wanted = componentsInto(appInto(app, into))
  for (const journal of await unfinishedJournals(app.name, context.records)) {
    if (journal.into === undefined) continue
    const theirs = componentsInto(appInto(app, journal.into))
    for (const one of wanted)
      for (const other of theirs) if ((await relationOf(one, other, context)) !== 'apart') return journal
  }
  return undefined
}

/** The journal of the restore that is unfinished there. Fails with `notFound` when there is none on this machine. */
export async function requireUnfinished(
  app: App,
  into: Into | undefined,
  { records }: OperationContext,
): Promise<RestoreJournal> {
  const unfinished = await unfinishedJournals(app.name, records)
  const journal = unfinished.findLast((one) => isSameInto(one.into, into))
  if (journal !== undefined) return journal
  const [other] = unfinished
  const where = into === undefined ? '' : ` into ${describeInto(into)}`
  throw new Failure('notFound', `app ${app.name} has no unfinished restore${where} on this machine`, {
    hint:
      other === undefined
        ? 'The journal of a restore is in the state folder of the machine that ran it; run this there.'
        : `Another is unfinished: holdfast restore ${app.name}${intoOptions(other.into)}, with --continue or --abandon.`,
  })
}
