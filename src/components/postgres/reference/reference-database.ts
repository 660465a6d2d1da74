import type pg from 'pg'
import { describe } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { identifier, literal, withSession } from '../connection/connection.ts'
import { readDatabaseFacts, type DatabaseFacts } from '../capture/database-facts.ts'
import { formatMarker } from '../restore/staged/marker.ts'
import { chooseLocale, commentStatement, dropBeside } from '../restore/staged/side-database.ts'
import { change, withAdmin } from '../restore/target/database-target.ts'
import type { DatabaseTarget } from '../restore/target/database-target.ts'

/** Time for dropping it, under a signal of its own. */
const CLEANUP_LIMIT = 60_000

/**
 * Makes an empty database beside `loaded`, with its encoding, locale and owner, and drops it after `act`, whatever
 * happens. What a run that was killed left is dropped by the next, by `discard`, and by `prune`.
 */
export async function withReferenceDatabase<Result>(
  place: DatabaseTarget,
  loaded: string,
  context: Context,
  act: (database: string) => Promise<Result>,
): Promise<Result> {
  const facts = await withSession(place.server, loaded, context, readDatabaseFacts)
  try {
    await withAdmin(place, context, (admin) => create(admin, place, facts, context))
    return await act(place.names.reference)
  } finally {
    await drop(place, context)
  }
}

async function create(admin: pg.Client, place: DatabaseTarget, facts: DatabaseFacts, context: Context): Promise<void> {
  const { names, restoreId } = place
  await dropBeside(admin, place, 'reference', context)
  const locale = await chooseLocale(admin, facts)
  const clauses = [`owner ${identifier(facts.owner)}`, `encoding ${literal(facts.encoding)}`, ...locale.clauses]
  // Dying between these two leaves an empty database without a mark, which dropBeside takes for ours by its name.
  await change(
    admin,
    'CREATE DATABASE reference',
    `create database ${identifier(names.reference)} template template0 ${clauses.join(' ')}`,
    context,
  )
  const mark = { role: 'reference', database: names.live, at: context.clock.now().toISOString() } as const
  const comment = commentStatement(names.reference, formatMarker(restoreId, mark))
  await change(admin, 'COMMENT ON DATABASE reference', comment, context)
}

/** Also after a cancellation. That it cannot be dropped changes nothing of what was found. */
async function drop(place: DatabaseTarget, context: Context): Promise<void> {
  const own = { ...context, signal: AbortSignal.timeout(CLEANUP_LIMIT) }
  try {
    await withAdmin(place, own, (admin) => dropBeside(admin, place, 'reference', own))
  } catch (error) {
    const message = `database ${place.names.reference} could not be dropped: ${describe(error)}`
    context.progress({ type: 'warning', message })
  }
}
