import { open } from 'node:fs/promises'
import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { hasCode } from '../../../system/files/errno.ts'
import type { BlobInfo, ByteRange, Storage } from '../../../storage/storage.ts'

/** One file that may be a Kleidia backup, wherever it is. */
export interface KleidiaSource {
  /** Relative to what was asked for, with slashes. */
  readonly name: string
  /** For people. */
  readonly location: string
  readonly size: number
  read(signal: AbortSignal, range?: ByteRange): Promise<Bytes>
}

/**
 * The blob of this name, or everything below it as a folder: all of them, in name order. Fails with
 * `notFound` when there is nothing.
 */
export async function* sourcesIn(
  storage: Storage,
  { name, shown: base }: { readonly name: string; readonly shown: string },
  signal: AbortSignal,
): AsyncIterable<KleidiaSource> {
  let found = 0
  const folder = name === '' || name.endsWith('/') ? name : `${name}/`
  for await (const blob of storage.list(name, signal)) {
    if (blob.name !== name && !blob.name.startsWith(folder)) continue
    found += 1
    const shown = blob.name === name ? name.slice(name.lastIndexOf('/') + 1) : blob.name.slice(folder.length)
    yield sourceOf(storage, blob, { name: shown, location: `${base}/${blob.name}` })
    if (blob.name === name) return
  }
  if (found === 0) throw nothingAt(`${base}/${name}`)
}

function sourceOf(
  storage: Storage,
  { name, size }: BlobInfo,
  shown: Pick<KleidiaSource, 'name' | 'location'>,
): KleidiaSource {
  return { ...shown, size, read: (signal, range) => storage.get(name, signal, range) }
}

/** A file of this machine, under any name that it may have. */
export async function localSource(path: string, name: string): Promise<KleidiaSource> {
  const handle = await open(path).catch((cause: unknown) => {
    throw cannotRead(path, cause)
  })
  try {
    const { size } = await handle.stat()
    return { name, location: path, size, read: async (signal, range) => readLocal(path, signal, range) }
  } finally {
    await handle.close()
  }
}

async function* readLocal(path: string, signal: AbortSignal, range: ByteRange = { offset: 0 }): Bytes {
  const handle = await open(path).catch((cause: unknown) => {
    throw cannotRead(path, cause)
  })
  const end = range.length === undefined ? {} : { end: range.offset + range.length - 1 }
  // A stream of a handle without an encoding gives bytes; it closes the handle when it ends or is left.
  yield* handle.createReadStream({ start: range.offset, ...end, signal }) as AsyncIterable<Uint8Array>
}

function cannotRead(path: string, cause: unknown): Failure {
  return hasCode(cause, 'ENOENT') ? nothingAt(path) : new Failure('denied', `${path} cannot be read`, { cause })
}

function nothingAt(location: string): Failure {
  return new Failure('notFound', `there is no file at ${location}`, {
    hint: 'Give the path or s3:// URL of a backup file, or of the folder or prefix that holds them.',
  })
}
