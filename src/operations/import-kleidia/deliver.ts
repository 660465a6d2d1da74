import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { readSecretLines, type KeptSecret } from '../../repository/kleidia-v1/secret-lines.ts'
import type { WrittenFile } from '../../repository/kleidia-v1/text-file.ts'
import type { Unpacked } from '../../repository/kleidia-v1/unpack.ts'

/**
 * What takes over an unpacked backup: an executor of plain SQL, and a component that keeps secrets. Either may be
 * absent, when only the other part is wanted.
 */
export interface KleidiaDestination {
  /** Runs the whole file into a database beside the live one, or fails. */
  readonly database?: (sql: WrittenFile, context: Context) => Promise<void>
  /** Takes all secrets, and gives the paths that it could not take. */
  readonly secrets?: (secrets: AsyncIterable<KeptSecret>, context: Context) => Promise<readonly string[]>
}

/**
 * Hands an unpacked backup over. Secrets come first: a row of the database must never name a secret that is not there.
 * Kleidia's own restore succeeds with warnings while up to half of the secrets fail; here one is enough for `incomplete`.
 */
export async function deliverKleidia(
  { sql, secrets }: Pick<Unpacked, 'sql' | 'secrets'>,
  destination: KleidiaDestination,
  context: Context,
): Promise<void> {
  const takesSecrets = secrets !== undefined && destination.secrets !== undefined
  const missing = takesSecrets ? await destination.secrets(readSecretLines(secrets.path, context.signal), context) : []
  if (missing.length > 0) throw incomplete(missing)
  if (sql !== undefined) await destination.database?.(sql, context)
}

function incomplete(paths: readonly string[]): Failure {
  const some = paths.slice(0, 10).map((path) => JSON.stringify(path))
  const more = paths.length > some.length ? ` and ${paths.length - some.length} more` : ''
  return new Failure('incomplete', `${paths.length} secrets could not be taken over: ${some.join(', ')}${more}`, {
    hint: 'The database was not touched. Repair what the server says of these paths and run it again: what is there already stays.',
    facts: { failed: paths.length },
  })
}
