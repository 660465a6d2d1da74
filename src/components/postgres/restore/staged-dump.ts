import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { Bytes, Context } from '../../../core/ports.ts'
import { withNamelessFile } from '../../../system/nameless-file.ts'
import type { ArtifactSource } from '../../driver.ts'
import { DUMP_ROLE } from '../capture.ts'
import { gigabytes } from '../preflight-disk.ts'

/** Where pg_restore reads the dump: in a file, which several of its processes can read at once, or through a pipe. */
export type Dump =
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'stream'; readonly read: () => Bytes }

/** How much of what is free is left to others: a tenth. */
const USED = { numerator: 9n, denominator: 10n }
/** What may be put into a folder that is memory. */
const IN_MEMORY = 64n * 1024n * 1024n
const TMPFS = new Set([0x01021994n, 0x858458f6n])

/**
 * Gives `act` the dump in a private file, whole and authentic before the first of it is used. Where there is no room for
 * it, it is read again for each run of pg_restore.
 */
export async function withDump<Result>(
  source: ArtifactSource,
  context: Context,
  act: (dump: Dump) => Promise<Result>,
): Promise<Result> {
  const bytes = source.sizeOf(DUMP_ROLE)
  const missing = await missingRoom(BigInt(bytes))
  if (missing === undefined)
    return withNamelessFile(source.read(DUMP_ROLE), (path) => act({ kind: 'file', path, bytes }))
  context.progress({ type: 'note', message: `${missing}; pg_restore reads it through a pipe, which takes longer` })
  return act({ kind: 'stream', read: () => source.read(DUMP_ROLE) })
}

/** Why a dump of this size cannot be staged; undefined when it can. */
export async function missingRoom(bytes: bigint, folder = tmpdir()): Promise<string | undefined> {
  const { type, bavail, bsize } = await statfs(folder, { bigint: true })
  const onDisk = (bavail * bsize * USED.numerator) / USED.denominator
  const room = TMPFS.has(type) && onDisk > IN_MEMORY ? IN_MEMORY : onDisk
  if (bytes <= room) return undefined
  return `the dump has ${gigabytes(bytes)} and ${folder} has room for ${gigabytes(room)}`
}
