import type { App, OperationContext } from '../app.ts'
import { appInto } from '../restore/into/app-into.ts'
import { withoutOwn } from '../restore/into/choose-into.ts'
import { refuseTaken } from '../restore/into/refuse-taken.ts'
import type { Into } from '../../core/texts/into-text.ts'
import { journalsOf, type RestoreJournal } from '../restore/journal.ts'

/** The app at the place that a restore went to, as its journal on this machine says: its own place where that names no other. */
export async function placeOfRestore(
  app: App,
  restoreId: string | undefined,
  { records }: OperationContext,
): Promise<App> {
  if (restoreId === undefined) return app
  const journal = (await journalsOf(app.name, records)).find((one) => one.restoreId === restoreId)
  return appInto(app, journal?.into)
}

/**
 * The same for an undo, which changes what is live there. The copy may have become the app's own place meanwhile. Fails with
 * `refused` when the configuration names it as the place of another.
 */
export async function undoPlace(app: App, restoreId: string | undefined, context: OperationContext): Promise<App> {
  const { into } = await placeOfRestore(app, restoreId, context)
  const there = appInto(app, await withoutOwn(app, into, context))
  await refuseTaken(there, context)
  return there
}

/** Journals of restores into other places, at which something may be left. */
export async function otherPlaces(
  app: App,
  { records }: OperationContext,
): Promise<readonly (RestoreJournal & { readonly into: Into })[]> {
  const journals = await journalsOf(app.name, records)
  return journals.flatMap((journal) => {
    const { into, cleared = false } = journal
    return into === undefined || cleared ? [] : [{ ...journal, into }]
  })
}
