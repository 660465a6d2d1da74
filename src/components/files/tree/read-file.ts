import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { Bytes } from '../../../core/ports.ts'
import { hasCode } from '../../../system/files/errno.ts'
import { child } from './folder.ts'
import type { Found } from './walk.ts'

const CHUNK = 1024 * 1024
// Non-blocking, so that a pipe that took the place of a file cannot hold up the capture.
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens the file that was found. Undefined when it is gone or something else has taken its name. */
export async function openFound({
  folder,
  name,
}: Found): Promise<{ handle: FileHandle; stat: BigIntStats } | undefined> {
  const handle = await openIfFile(child(folder, name))
  if (handle === undefined) return undefined
  const stat = await handle.stat({ bigint: true })
  if (stat.isFile()) return { handle, stat }
  await handle.close()
  return undefined
}

async function openIfFile(path: Buffer): Promise<FileHandle | undefined> {
  try {
    return await open(path, OPEN_FILE)
  } catch (error) {
    // ELOOP: a link; ENXIO: a socket.
    if (hasCode(error, 'ENOENT', 'ELOOP', 'ENXIO')) return undefined
    throw error
  }
}

/** Exactly `size` bytes from the start of a file, whatever its length is by now: cut off there, or filled with zeros. */
export async function* readExactly(handle: FileHandle, size: number): Bytes {
  for (let position = 0; position < size;) {
    const length = Math.min(CHUNK, size - position)
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position)
    position += bytesRead === 0 ? length : bytesRead
    yield bytesRead === 0 ? Buffer.alloc(length) : buffer.subarray(0, bytesRead)
  }
}

/** All of a file that is expected to have `size` bytes; shorter or longer when it has not. */
export async function readWhole(handle: FileHandle, size: number): Promise<Buffer> {
  // One byte more than announced: a file that grew is then seen to have grown.
  const buffer = Buffer.alloc(size + 1)
  let length = 0
  for (let last = -1; last !== 0 && length <= size; length += last) {
    last = (await handle.read(buffer, length, buffer.length - length, length)).bytesRead
  }
  return buffer.subarray(0, Math.min(length, size))
}

/** Whether a file was surely not written between two looks at it. */
export function isUnchanged(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs
}

/** The SHA-256 of all bytes that pass through. */
export class PassingHash {
  readonly #hash = createHash('sha256')

  async *through(bytes: Bytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.#hash.update(chunk)
      yield chunk
    }
  }

  digest(): string {
    return this.#hash.digest('hex')
  }
}

/** Reads to the end and keeps nothing. */
export async function drain(bytes: Bytes): Promise<void> {
  for await (const _chunk of bytes) {
    // Whoever gave the stream looks at what passes.
  }
}
