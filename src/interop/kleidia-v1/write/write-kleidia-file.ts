import { open, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import { nameDurably } from '../../../system/files/durable-file.ts'
import { hasCode } from '../../../system/files/errno.ts'
import { randomHex } from '../../../system/random.ts'
import { composeKleidia } from './compose-kleidia.ts'
import type { KleidiaContent } from '../format/kleidia-content.ts'
import { verifyKleidia, type Opened } from '../read/open.ts'
import { localSource } from '../format/source.ts'
import { writeAll } from '../read/spooled.ts'

export interface KleidiaFileRequest {
  /** Nothing may be there. */
  readonly path: string
  readonly password: Secret
  /** Private, with room for the file twice. */
  readonly spoolFolder: string
}

/** Writes a Kleidia backup (0600), reads it back with the password, and only then gives it its name. */
export async function writeKleidiaFile(
  content: KleidiaContent,
  { path, password, spoolFolder }: KleidiaFileRequest,
  context: Context,
): Promise<Opened & { readonly size: number }> {
  const composed = await composeKleidia(content, password, spoolFolder, context)
  const unfinished = join(dirname(path), `.${basename(path)}.${randomHex(4)}.unfinished`)
  try {
    await context.effects.run('write Kleidia file', () => save(composed.content(), unfinished))
    const source = await localSource(unfinished, basename(path))
    const opened = await verifyKleidia({ source, password, folder: spoolFolder, limits: ownLimits }, context)
    await context.effects.run('name Kleidia file', () => nameIt(unfinished, path))
    return { ...opened, size: composed.size }
  } finally {
    await composed.close()
    await rm(unfinished, { force: true })
  }
}

/** What we wrote ourselves is no bomb, however well it compresses. */
const ownLimits = { expandedBytes: Number.MAX_SAFE_INTEGER, ratio: 2000 }

async function save(content: Bytes, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of content) await writeAll(file, chunk)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A link replaces nothing. */
async function nameIt(unfinished: string, path: string): Promise<void> {
  await nameDurably(unfinished, path).catch((cause: unknown) => {
    throw hasCode(cause, 'EEXIST') ? isThere(path) : cause
  })
}

export function isThere(path: string): Failure {
  return new Failure('refused', `${path} is there already`, {
    hint: 'Nothing was written. Name a file that does not exist.',
  })
}
