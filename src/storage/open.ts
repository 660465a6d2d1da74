import { Failure } from '../core/failure.ts'
import { storageKindOf, storageKinds, type StorageSettings } from './all.ts'
import type { OpenOptions } from './kind.ts'
import type { Storage } from './storage.ts'

/** Opens the storage that a URL names. Fails with `usage` when the URL or a setting is wrong. */
export async function openStorage(settings: StorageSettings, options: OpenOptions): Promise<Storage> {
  const kind = storageKindOf(settings.url)
  if (kind !== undefined) return kind.open(settings, options)
  throw new Failure('usage', `storage location ${withoutCredentials(settings.url)} is of no known kind`, {
    hint: `Write one of ${storageKinds.map(({ example }) => example).join(', ')}.`,
  })
}

/** A user may have put a password before an @ of the URL. */
function withoutCredentials(url: string): string {
  return JSON.stringify(url.replace(/[^/]*@/, '…@'))
}
