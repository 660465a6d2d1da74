import { z } from 'zod'
import type { Config } from '../../config/load-config.ts'
import type { Context, Records } from '../../core/ports.ts'
import { openStorage } from '../../storage/open.ts'
import type { Storage } from '../../storage/storage.ts'
import { readOnly } from '../../storage/wrap/read-only.ts'
import { retrying } from '../../storage/wrap/retrying.ts'
import { withEffects } from '../../storage/wrap/with-effects.ts'

type RepositoryConfig = Config['repositories'][string]

const SENTINEL = 'holdfast.json'
const probed = z.object({ location: z.string(), endpoint: z.string().nullable() })

/** Where openConfiguredStorage remembers, and what for. */
export interface StorageUse {
  readonly records: Records
  /** To make a repository, a folder is written to although it is none yet. */
  readonly creating?: boolean
  /** Every change is refused, as a second lock behind commands that only read. */
  readonly readOnly?: boolean
}

/**
 * The storage of a configured repository, with retries. Whether an S3 server keeps two writers apart is tried until
 * it was seen to, which is then remembered on this machine.
 */
export async function openConfiguredStorage(
  name: string,
  settings: RepositoryConfig,
  { records, creating = false, readOnly: isReadOnly = false }: StorageUse,
  context: Context,
): Promise<Storage> {
  const record = recordOf(name)
  const remembered = probed.safeParse(await records.load(record))
  const place = { location: settings.url, endpoint: settings.endpoint ?? null }
  const isKnown =
    remembered.success && remembered.data.location === place.location && remembered.data.endpoint === place.endpoint
  const warn = (message: string): void => context.progress({ type: 'warning', message })
  // Whether create-only writes work is tried by writing, and matters to nobody who only reads.
  const storage = await openStorage(await resolved(settings, isKnown || isReadOnly ? { createOnly: true } : {}), {
    signal: context.signal,
    clock: context.clock,
    ...(creating ? {} : { sentinel: SENTINEL }),
    warn,
  })
  // Only the good answer is remembered: credentials that may not write could not try it.
  if (settings.url.startsWith('s3:') && !isKnown && !isReadOnly && storage.features.createOnly)
    await records.save(record, place)
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

async function resolved(
  settings: RepositoryConfig,
  known: { readonly createOnly?: boolean },
): Promise<Parameters<typeof openStorage>[0]> {
  const { url, endpoint, region, accessKey, secretKey, pathStyle, ca, insecureTls } = settings
  return {
    url,
    ...known,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(accessKey === undefined ? {} : { accessKey: await accessKey.resolve() }),
    ...(secretKey === undefined ? {} : { secretKey: await secretKey.resolve() }),
    ...(pathStyle === undefined ? {} : { pathStyle }),
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(insecureTls === undefined ? {} : { insecureTls }),
  }
}
