import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import { authenticate, type Additional } from './authenticate.ts'
import type { ChecksumVerdict } from './checksum.ts'
import { usualLimits, type ArchiveLimits } from './expand.ts'
import { readArchive, type Contents, type SlowSink } from './read-archive.ts'
import type { KleidiaSource } from './source.ts'
import { spool } from './spooled.ts'

/** What a file was found to be. */
export interface Opened {
  readonly contents: Contents
  readonly checksum: ChecksumVerdict
  readonly additional: Additional
}

export interface OpenRequest {
  readonly source: KleidiaSource
  readonly password: Secret
  /** A private folder with room for a copy of the file. */
  readonly folder: string
  readonly limits?: ArchiveLimits
}

/**
 * Copies the file to this machine, authenticates all of it, and only then reads its content into the sink that `begin`
 * makes. What the sink was given is good only when this has resolved.
 */
export async function openKleidia(
  { source, password, folder, limits = usualLimits }: OpenRequest,
  begin: () => Promise<SlowSink>,
  context: Context,
): Promise<Opened> {
  const { name } = source
  const file = await spool(await source.read(context.signal), folder, context)
  try {
    const authentic = await authenticate(file, name, password, context)
    const { claims } = authentic.prefix
    const archive = { compressed: authentic.plaintext(), size: file.size, claims, limits, name }
    const contents = await readArchive(archive, await begin())
    return { contents, checksum: authentic.checksum, additional: authentic.additional }
  } finally {
    await file.close()
  }
}

/** Opens and reads a file to its end, and keeps nothing of it. */
export async function verifyKleidia(request: OpenRequest, context: Context): Promise<Opened> {
  const forget = { sql: () => undefined, secret: () => undefined, flush: () => Promise.resolve() }
  return await openKleidia(request, () => Promise.resolve(forget), context)
}
