import { acceptedNames, acceptOptions, GONE_COPY } from '../../core/accept-ids.ts'
import { describe, Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { appInto, componentsInto } from '../restore/into/app-into.ts'
import { describeInto } from '../../core/texts/into-text.ts'
import { isFinished, saveJournal, type RestoreJournal } from '../restore/journal.ts'
import { otherPlaces } from '../undo/places.ts'
import { allKept } from '../undo/undo-all.ts'
import type { ForgottenPrevious, IsMine } from './forgotten.ts'

type ForgetAt = (there: App, isMine: IsMine) => Promise<readonly ForgottenPrevious[]>

/** A copy may be gone with its host. After this time nobody is told any more that it cannot be asked. */
const GONE_MILLISECONDS = 30 * 24 * 3_600_000

/**
 * What is over where restores from this machine went that did not go to the app's own place. Of each place only what its own
 * restore left there: others may use the place too. A place at which nothing is left is not asked again.
 */
export async function forgetElsewhere(
  app: App,
  forgetAt: ForgetAt,
  accepted: readonly string[],
  context: OperationContext,
): Promise<readonly ForgottenPrevious[]> {
  const all: ForgottenPrevious[] = []
  const gone = acceptedNames(accepted, GONE_COPY)
  for (const journal of await otherPlaces(app, context)) {
    const { restoreId, into } = journal
    try {
      const there = appInto(app, into)
      const forgotten = await forgetAt(there, (id) => id === restoreId)
      all.push(...forgotten.filter(({ failure }) => failure === undefined))
      const failed = forgotten.find(({ failure }) => failure !== undefined)
      if (failed !== undefined) throw new Failure('incomplete', `${failed.component}: ${failed.failure ?? ''}`)
      if (isFinished(journal.stage) && !(await isAnythingLeft(there, restoreId, context))) await clear(journal, context)
    } catch (error) {
      if (context.signal.aborted) throw error
      const failure = `${describe(error)} (${describeInto(into)})`
      if (gone.includes(restoreId) || isGone(journal, context)) await giveUp(journal, failure, context)
      else
        all.push({
          component: app.name,
          description: `what restore ${restoreId} retains`,
          failure: `${failure}; if that place is gone for good: ${acceptOptions([`${GONE_COPY}${restoreId}`])}`,
        })
    }
  }
  return all
}

async function isAnythingLeft(there: App, restoreId: string, context: OperationContext): Promise<boolean> {
  const left = (await allKept(there, context)).map(({ kept }) => kept.restoreId)
  for (const { driver, settings } of componentsInto(there))
    left.push(...((await driver.listStaged?.(settings, context)) ?? []).map((staged) => staged.restoreId))
  return left.includes(restoreId)
}

async function clear(journal: RestoreJournal, { records, clock }: OperationContext): Promise<void> {
  await saveJournal({ ...journal, cleared: true }, records, clock)
}

function isGone({ updated }: RestoreJournal, { clock }: OperationContext): boolean {
  return Date.parse(updated) + GONE_MILLISECONDS <= clock.now().getTime()
}

async function giveUp(journal: RestoreJournal, failure: string, context: OperationContext): Promise<void> {
  const message = `what restore ${journal.restoreId} retains is not looked for any more: ${failure}`
  context.progress({ type: 'warning', message })
  await clear(journal, context)
}
