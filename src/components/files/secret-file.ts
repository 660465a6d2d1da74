import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../core/failure.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import { secretOfBytes } from '../../core/texts/secret-bytes.ts'
import type { ArtifactSource } from '../transfer.ts'
import { readArchive } from './capture/archive.ts'
import { CONTENT, ENTRIES } from './capture/write-both.ts'
import { naming } from './failures.ts'
import { statOf } from './tree/folder.ts'
import { entriesOf } from './capture/listing.ts'
import { isSafeRelative, rawOfText } from './tree/names.ts'
import type { FilesDetails, FilesSettings } from './schema.ts'

/** Larger files hold no key. */
const SIZE_LIMIT = 1024 * 1024

/** The content of one captured file, for key fit. Undefined when there is none; links are not followed. */
export async function capturedFile(
  details: FilesDetails,
  source: ArtifactSource,
  name: string,
  context: Context,
): Promise<Secret | undefined> {
  const wanted = rawOfText(name)
  let found: Secret | undefined
  await readArchive(
    source.read(CONTENT),
    entriesOf(source.read(ENTRIES), details),
    async (entry, content) => {
      const isWanted = entry.type === 'file' && entry.path === wanted
      // A later version of a file that changed while it was read replaces the earlier one.
      if (isWanted) found = secretOfBytes(await wholeOf(content, name))
      else for await (const _chunk of content);
    },
    context.signal,
  )
  return found
}

async function wholeOf(content: Bytes, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of content) {
    length += chunk.length
    if (length > SIZE_LIMIT) throw tooLarge(name)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The content of the same file in the folder now. */
export async function liveFile({ path }: FilesSettings, name: string): Promise<Secret | undefined> {
  if (!isSafeRelative(rawOfText(name))) throw new Failure('usage', `${name} is not a path inside ${path}`)
  const whole = join(path, name)
  const stat = await naming('look at', whole, () => statOf(whole))
  if (stat?.isFile() !== true) return undefined
  if (stat.size > SIZE_LIMIT) throw tooLarge(name)
  const file = await naming('open', whole, () => open(whole, constants.O_RDONLY | constants.O_NOFOLLOW))
  try {
    return secretOfBytes(await naming('read', whole, () => file.readFile()))
  } finally {
    await file.close()
  }
}

function tooLarge(name: string): Failure {
  return new Failure('unsupported', `${name} has more than ${SIZE_LIMIT} bytes and is no key`)
}
