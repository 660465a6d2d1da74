import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { storageKindOf } from '../../storage/all.ts'
import type { StorageKind } from '../../storage/kind.ts'
import { openStorage } from '../../storage/open.ts'
import type { Storage } from '../../storage/storage.ts'
import { readOnly } from '../../storage/wrap/read-only.ts'
import { retrying } from '../../storage/wrap/retrying.ts'
import { withSecrets } from '../storages/configured-storage.ts'
import type { InitFrom } from './init.ts'

/** Opens a repository for reading that is in no configuration yet. Fails with `usage` for a setting that its kind does not have. */
export async function openFrom({ url, at: _at, ...given }: InitFrom, { clock, signal }: Context): Promise<Storage> {
  const options = { clock, signal }
  const kind = storageKindOf(url)
  // Fails, and says which kinds there are.
  if (kind === undefined) return openStorage({ url }, options)
  const settings = await withSecrets(settingsOf(kind, given))
  // It is called create-only so that opening it does not try that out by writing.
  return readOnly(retrying(await kind.open({ ...settings, url, createOnly: true }, options)))
}

function settingsOf(kind: StorageKind, given: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const strange = Object.keys(given).find((name) => !(name in kind.settings))
  if (strange !== undefined) {
    throw new Failure('usage', `--${strange} is not for a repository like ${kind.example}`, { hint: 'Leave it out.' })
  }
  const parsed = z.object(kind.settings).partial().safeParse(given)
  if (parsed.success) return parsed.data
  const [{ path, message } = { path: [], message: '' }] = parsed.error.issues
  throw new Failure('usage', `--${path.join('.')} is wrong: ${message}`, {
    hint: 'docs/use/configuration.md explains every key.',
  })
}
