import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../core/failure.ts'
import type { Context, Records } from '../../core/ports.ts'
import { storageKindOf, type StorageConfig } from '../../storage/all.ts'
import type { Resolved, StorageKind } from '../../storage/kind.ts'
import type { Storage } from '../../storage/storage.ts'
import { readOnly } from '../../storage/wrap/read-only.ts'
import { retrying } from '../../storage/wrap/retrying.ts'
import { withEffects } from '../../storage/wrap/with-effects.ts'
import { SecretReference } from '../../system/secret-reference.ts'

const SENTINEL = 'holdfast.json'

/** Where openConfiguredStorage remembers, and what for. */
export interface StorageUse {
  readonly records: Records
  /** To make a repository, a folder is written to although it is none yet. */
  readonly creating?: boolean
  /** Every change is refused, as a second lock behind commands that only read. */
  readonly readOnly?: boolean
}

/**
 * The storage of a configured repository, with retries. Whether a server keeps two writers apart is tried until it was
 * seen to, which is then remembered on this machine.
 */
export async function openConfiguredStorage(
  name: string,
  settings: StorageConfig,
  { records, creating = false, readOnly: isReadOnly = false }: StorageUse,
  context: Context,
): Promise<Storage> {
  const record = recordOf(name)
  const kind = kindOf(settings)
  const place = placeOf(settings, kind.placedBy)
  const isKnown = isDeepStrictEqual(await records.load(record), place)
  const warn = (message: string): void => context.progress({ type: 'warning', message })
  // Whether create-only writes work is tried by writing, and matters to nobody who only reads.
  const known = isKnown || isReadOnly ? { createOnly: true } : {}
  const storage = await kind.open(
    { ...(await withSecrets(settings)), ...known },
    {
      signal: context.signal,
      clock: context.clock,
      ...(creating ? {} : { sentinel: SENTINEL }),
      warn,
    },
  )
  // Only the good answer is remembered: credentials that may not write could not try it.
  if (kind.isTried && !isKnown && !isReadOnly && storage.features.createOnly) await records.save(record, place)
  // The effect is the innermost: a retry is another effect, as it is another request.
  return retrying(withEffects(isReadOnly ? readOnly(storage) : storage, context.effects), { say: warn })
}

/** Whether the storage keeps two writers apart is tried again when it is opened next. */
export async function forgetStorage(name: string, records: Records): Promise<void> {
  await records.remove(recordOf(name))
}

function recordOf(name: string): string {
  return `storage-${name}`
}

/** The kind of storage of a repository. The configuration accepts only URLs that have one. */
export function kindOf({ url }: StorageConfig): StorageKind {
  const kind = storageKindOf(url)
  if (kind === undefined) throw new Failure('bug', `no kind of storage for ${url}`)
  return kind
}

/** What is remembered of a storage is true of this place only. */
function placeOf(settings: StorageConfig, placedBy: readonly string[]): Readonly<Record<string, unknown>> {
  const known: Readonly<Record<string, unknown>> = settings
  return { location: settings.url, ...Object.fromEntries(placedBy.map((setting) => [setting, known[setting] ?? null])) }
}

/** The same settings, each reference to a secret replaced by the secret. */
export async function withSecrets<Settings extends object>(settings: Settings): Promise<Resolved<Settings>> {
  const read = Object.entries(settings).map(async ([name, value]: [string, unknown]) => [
    name,
    value instanceof SecretReference ? await value.resolve() : value,
  ])
  // Every setting is there as it was, or as the secret that it refers to.
  return Object.fromEntries(await Promise.all(read)) as Resolved<Settings>
}
