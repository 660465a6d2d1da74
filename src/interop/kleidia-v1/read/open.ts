import type { Context } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import { authenticate, type Additional } from '../format/authenticate.ts'
import type { ChecksumVerdict } from '../format/checksum.ts'
import { usualLimits, type ArchiveLimits } from './expand.ts'
import { readArchive, type Contents, type SlowSink } from './read-archive.ts'
import type { KleidiaSource } from '../format/source.ts'
import { spool, type Spooled } from './spooled.ts'

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
  { source, folder, ...request }: OpenRequest,
  begin: () => Promise<SlowSink>,
  context: Context,
): Promise<Opened> {
  const file = await spool(await source.read(context.signal), folder, context)
  try {
    return await openSpooled({ ...request, file, name: source.name }, begin, context)
  } finally {
    await file.close()
  }
}

export interface OpenSpooled extends Pick<OpenRequest, 'password' | 'limits'> {
  readonly file: Spooled
  /** For people. */
  readonly name: string
}

/** The same of a file that is on this machine already. */
export async function openSpooled(
  { file, name, password, limits = usualLimits }: OpenSpooled,
  begin: () => Promise<SlowSink>,
  context: Context,
): Promise<Opened> {
  const authentic = await authenticate(file, name, password, context)
  const { claims } = authentic.prefix
  const archive = { compressed: authentic.plaintext(), size: file.size, claims, limits, name }
  const contents = await readArchive(archive, await begin())
  return { contents, checksum: authentic.checksum, additional: authentic.additional }
}

/** Opens and reads a file to its end, and keeps nothing of it. */
export async function verifyKleidia(request: OpenRequest, context: Context): Promise<Opened> {
  const forget = { sql: () => undefined, secret: () => undefined, flush: () => Promise.resolve() }
  return await openKleidia(request, () => Promise.resolve(forget), context)
}
