import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import type { BlobInfo, Storage } from '../../storage/storage.ts'
import { composeKleidia } from './compose-kleidia.ts'
import type { KleidiaContent } from './kleidia-content.ts'
import { verifyKleidia } from './open.ts'

/**
 * Writes a Kleidia backup to a storage and reads it back with the password. `spoolFolder` is private and has room for
 * the file twice. Say `weaknesses` to whoever asked for it.
 */
export async function storeKleidia(
  storage: Storage,
  name: string,
  content: KleidiaContent,
  { password, spoolFolder }: { readonly password: Secret; readonly spoolFolder: string },
  context: Context,
): Promise<BlobInfo> {
  const composed = await composeKleidia(content, password, spoolFolder, context)
  try {
    const stored = await storage.put(name, composed.content(), context.signal)
    const source = { name, location: name, size: stored.size, read: (signal: AbortSignal) => storage.get(name, signal) }
    await verifyKleidia({ source, password, folder: spoolFolder, limits: ownLimits }, context)
    return stored
  } finally {
    await composed.close()
  }
}

/** What we wrote ourselves is no bomb, however well it compresses. */
const ownLimits = { expandedBytes: Number.MAX_SAFE_INTEGER, ratio: 2000 }
