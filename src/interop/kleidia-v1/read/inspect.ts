import type { Context } from '../../../core/ports.ts'
import { ByteReader } from '../../../repository/documents/bytes.ts'
import type { Claims } from '../format/claims.ts'
import { LONGEST_PREFIX, TAG_SIZE } from '../format/layout.ts'
import { cutOff, readPrefix } from '../format/prefix.ts'
import type { KleidiaSource } from '../format/source.ts'

/** Reads only what stands before the ciphertext, without a password. Nothing of it is proven. */
export async function inspectKleidia(source: KleidiaSource, context: Context): Promise<Claims> {
  const length = Math.min(source.size, LONGEST_PREFIX)
  const start = source.size === 0 ? none() : await source.read(context.signal, { offset: 0, length })
  const reader = new ByteReader(start)
  try {
    const prefix = await readPrefix(reader, source.name)
    if (source.size < prefix.length + TAG_SIZE) throw cutOff(source.name)
    return prefix.claims
  } finally {
    await reader.close()
  }
}

async function* none(): AsyncGenerator<Uint8Array, void, void> {}
