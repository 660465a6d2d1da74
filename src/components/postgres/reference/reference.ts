import { isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { readDefinitions, type Definition } from '../fingerprint/definitions.ts'
import { NO_OP } from '../fingerprint/fingerprint-compare.ts'
import type { LoadTarget } from '../restore/load/load.ts'
import { loadDefinitions } from '../restore/load/load-definitions.ts'
import type { Fingerprint, PostgresDetails } from '../schema.ts'
import type { DatabaseTarget } from '../restore/target/database-target.ts'
import { readArchiveDefinitions } from './archive-definitions.ts'
import { withReferenceDatabase } from './reference-database.ts'

export interface ReferenceSource {
  readonly place: DatabaseTarget
  /** Beside it the reference is made. */
  readonly loaded: LoadTarget
  readonly details: PostgresDetails
  readonly source: ArtifactSource | undefined
  /** What pg_restore was told to leave out when it was loaded. */
  readonly args: readonly string[]
}

/**
 * Gives the captured definitions as this server and this pg_dump word them: they are loaded without rows into a database
 * beside, and read there. Only for those whose text in the dump is what the fingerprint has, or that are in neither, so that a
 * reference is never of something else. Undefined where the role may not make a database.
 */
export interface Reference {
  /** With the text of those in `texts`. */
  readonly worded: (texts: ReadonlySet<string>, context: Context) => Promise<Definitions | undefined>
  /** The texts of definitions as the dump holds them; no server is asked. */
  readonly archived: (texts: ReadonlySet<string>, context: Context) => Promise<Definitions>
}

/** By name. */
export type Definitions = ReadonlyMap<string, Definition>

/** Undefined where there is nothing to load definitions from. */
export function referenceOf({ source, ...given }: ReferenceSource): Reference | undefined {
  return source === undefined
    ? undefined
    : {
        worded: (texts, context) => unlessDenied(readReference({ ...given, source }, texts, context), context),
        archived: (texts, context) => {
          const writer = given.details.fingerprint.definitionsBy
          return readArchiveDefinitions(given.loaded, source, { writer, texts }, context)
        },
      }
}

async function unlessDenied<Result>(reading: Promise<Result>, context: Context): Promise<Result | undefined> {
  try {
    return await reading
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
    const message = `definitions that this server words otherwise cannot be told from others: ${error.message}. Give the role CREATEDB.`
    context.progress({ type: 'warning', message })
    return undefined
  }
}

async function readReference(
  { place, loaded, details, source, args }: ReferenceSource & { readonly source: ArtifactSource },
  texts: ReadonlySet<string>,
  context: Context,
): Promise<Definitions> {
  const archived = await readArchived(loaded, details.fingerprint, source, context)
  context.progress({ type: 'phase', phase: 'compare', detail: 'definitions, as this server words them' })
  const found = await withReferenceDatabase(place, loaded.database, context, async (database) => {
    const beside = { ...loaded, database }
    await loadDefinitions(beside, details, source, args, context)
    return readDefinitions({ ...beside, texts }, context)
  })
  const captured = new Map(details.fingerprint.objects.map(({ name, definition }) => [name, definition]))
  const proven = [...archived.values(), ...found].filter(
    ({ name }) => archived.get(name)?.definition === captured.get(name),
  )
  const nothing = proven.filter(({ text = '' }) => NO_DEFAULT.test(text)).map((one) => ({ ...one, definition: NO_OP }))
  const isProven = new Set(proven.map(({ name }) => name))
  return new Map([...nothing, ...found.filter(({ name }) => isProven.has(name))].map((one) => [one.name, one]))
}

/** A column that had another type may have a default of null that is written, and that a load finds to be none. */
const NO_DEFAULT = /^ALTER TABLE .* ALTER COLUMN .* SET DEFAULT NULL(?:::[^;]*)?;$/m

async function readArchived(
  loaded: LoadTarget,
  { objects, definitionsBy }: Fingerprint,
  source: ArtifactSource,
  context: Context,
): Promise<Definitions> {
  const texts = new Set(objects.flatMap(({ name }) => (name.startsWith('DEFAULT ') ? [name] : [])))
  return readArchiveDefinitions(loaded, source, { writer: definitionsBy, texts }, context)
}
