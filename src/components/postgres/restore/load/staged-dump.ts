import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { Bytes, Context } from '../../../../core/ports.ts'
import type { Finding } from '../../../../core/restore-point.ts'
import { withNamelessFile } from '../../../../system/files/anonymous-file.ts'
import type { ArtifactSizes, ArtifactSource } from '../../../transfer.ts'
import { DUMP_ROLE } from '../../capture/capture.ts'
import { gigabytes } from '../preflight/preflight-disk.ts'

/** Where pg_restore reads the dump: in a file, which several of its processes can read at once, or through a pipe. */
export type Dump =
  | { readonly kind: 'file'; readonly path: string }
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
  const missing = await missingRoom(BigInt(source.sizeOf(DUMP_ROLE)))
  if (missing === undefined) return withNamelessFile(source.read(DUMP_ROLE), (path) => act({ kind: 'file', path }))
  context.progress({ type: 'note', message: `${missing}; ${SLOWER}` })
  return act({ kind: 'stream', read: () => source.read(DUMP_ROLE) })
}

const SLOWER = 'pg_restore reads it through a pipe, with one session'

/**
 * Whether the dump can be staged beside what the server itself may take of the same disk, `besides`. That there is no room
 * makes a restore slower and prevents nothing.
 */
export async function stageFindings(
  artifacts: ArtifactSizes | undefined,
  besides: bigint,
  folder = tmpdir(),
): Promise<readonly Finding[]> {
  if (artifacts === undefined) return []
  const bytes = BigInt(artifacts.sizeOf(DUMP_ROLE))
  const subject = 'room for the dump'
  const inMemory = TMPFS.has((await statfs(folder, { bigint: true })).type)
  const missing = await missingRoom(inMemory ? bytes : bytes + besides, folder)
  if (missing === undefined) return [{ level: 'ok', subject, message: `${gigabytes(bytes)} in ${folder}` }]
  const hint = `Make room in ${folder}, or set TMPDIR to another folder.`
  return [{ level: 'warning', subject, message: `${missing}; ${SLOWER}, if there is no more by then`, hint }]
}

/** Why so many bytes cannot be staged; undefined when they can. */
export async function missingRoom(bytes: bigint, folder = tmpdir()): Promise<string | undefined> {
  const room = await roomIn(folder)
  return bytes <= room ? undefined : `${gigabytes(bytes)} are needed and ${folder} has room for ${gigabytes(room)}`
}

async function roomIn(folder: string): Promise<bigint> {
  const { type, bavail, bsize } = await statfs(folder, { bigint: true })
  const room = (bavail * bsize * USED.numerator) / USED.denominator
  return TMPFS.has(type) && room > IN_MEMORY ? IN_MEMORY : room
}
