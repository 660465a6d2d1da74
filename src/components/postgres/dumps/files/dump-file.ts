import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Failure, systemFailure } from '../../../../core/failure.ts'
import type { Bytes, Context } from '../../../../core/ports.ts'
import { compressionOf, decompressed } from './compression.ts'
import type { Compression } from './compression.ts'

/** A dump as it was given: a file, perhaps compressed, or the folder of a directory dump. */
export interface DumpFile {
  readonly path: string
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  readonly compression: Compression
  readonly isFolder: boolean
}

/** What is read of a file. */
type Content = Pick<DumpFile, 'path' | 'name' | 'bytes' | 'compression'> & { readonly single?: boolean }

/** Real dumps do not shrink that much beyond their first part; a file that does was made to fill a disk. */
const RATIO_LIMIT = 300
const RATIO_FREE = 64 * 1024 * 1024
const READ_SIZE = 256 * 1024

/** Reads the file once for its hash. */
export async function openDumpFile(path: string, context: Context): Promise<DumpFile> {
  context.progress({ type: 'phase', phase: 'read', detail: path })
  const found = await attemptRead(path, () => stat(path))
  if (!found.isDirectory() && !found.isFile())
    throw new Failure('usage', `${path} is neither a file nor a folder`, {
      hint: 'Save the dump in a file first: it is read more than once.',
    })
  const hash = createHash('sha256')
  const isFolder = found.isDirectory()
  const bytes = isFolder ? await hashFolder(path, hash, context) : await hashFile(path, hash, context)
  const compression = isFolder ? 'none' : await attemptRead(path, () => compressionOf(path))
  return { path, name: basename(path), bytes, sha256: hash.digest('hex'), compression, isFolder }
}

/** Fails when the file is no longer what was opened: then what was loaded is not what the hash is of. */
export async function assertUnchanged(file: DumpFile, context: Context): Promise<void> {
  const { sha256 } = await openDumpFile(file.path, context)
  if (sha256 === file.sha256) return
  throw new Failure('refused', `${file.path} changed while it was imported`, {
    hint: 'Import it again when nothing writes to it.',
  })
}

/** The content of the file, decompressed. A file that grows beyond all measure fails unless it is trusted. */
export async function* contentOf(file: Content, trusted: boolean, context: Context): Bytes {
  let read = 0
  const raw = fileBytes(file.path, context, (length) => {
    read += length
    context.progress({ type: 'bytes', subject: file.name, done: read, total: file.bytes })
  })
  let plain = 0
  for await (const chunk of decompressed(raw, file.path, file.compression, file.single === true)) {
    plain += chunk.length
    if (!trusted && plain > RATIO_FREE && plain > read * RATIO_LIMIT) throw bomb(file, plain)
    yield chunk
  }
}

/** The first bytes of the content. */
export async function beginningOf(file: Content, length: number, context: Context): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let found = 0
  for await (const chunk of contentOf(file, false, { ...context, progress: () => {} })) {
    chunks.push(chunk)
    found += chunk.length
    if (found >= length) break
  }
  return Buffer.concat(chunks).subarray(0, length)
}

async function hashFile(path: string, hash: { update(bytes: Uint8Array): unknown }, context: Context): Promise<number> {
  let bytes = 0
  for await (const chunk of fileBytes(path, context, () => {})) {
    bytes += chunk.length
    hash.update(chunk)
  }
  return bytes
}

/** Names, lengths and content of all files, in the order of their names. */
async function hashFolder(path: string, hash: ReturnType<typeof createHash>, context: Context): Promise<number> {
  let bytes = 0
  for (const name of (await attemptRead(path, () => readdir(path))).sort()) {
    const inner = createHash('sha256')
    const length = await hashFile(join(path, name), inner, context)
    hash.update(`${name}\0${length}\0${inner.digest('hex')}\n`)
    bytes += length
  }
  return bytes
}

async function* fileBytes(path: string, context: Context, count: (length: number) => void): Bytes {
  const file = createReadStream(path, { highWaterMark: READ_SIZE, signal: context.signal })
  try {
    for await (const chunk of file) {
      // A stream without an encoding gives bytes.
      count((chunk as Buffer).length)
      yield chunk as Buffer
    }
  } catch (error) {
    context.signal.throwIfAborted()
    throw unreadable(path, error)
  }
}

export async function attemptRead<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): Failure {
  const hint = 'Give the file or folder that pg_dump wrote, readable for the user who runs Holdfast.'
  return systemFailure(`${path} cannot be read`, cause, hint)
}

function bomb(file: Content, plain: number): Failure {
  return new Failure(
    'refused',
    `${file.path} unpacks to more than ${RATIO_LIMIT} times its size (${plain} bytes so far)`,
    {
      hint: 'That is how files look that are made to fill a disk. If you know that this one is a dump, add --accept trust-dump.',
      facts: { accept: 'trust-dump' },
    },
  )
}
