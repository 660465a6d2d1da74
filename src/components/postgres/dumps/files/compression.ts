import { open } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { faultOf } from '../../../../core/environment-fault.ts'
import { describe, Failure, toFailure } from '../../../../core/failure.ts'
import type { Bytes } from '../../../../core/ports.ts'
import { LZ4_MAGIC, unlz4 } from './lz4-frames.ts'
import { unzstd } from './zstd-frames.ts'

/** How a file is compressed, by its first bytes and not by its name. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'lz4'

const GZIP = Buffer.from([0x1f, 0x8b])
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const CHUNK_SIZE = 256 * 1024

export async function compressionOf(path: string): Promise<Compression> {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    if (buffer.subarray(0, 2).equals(GZIP)) return 'gzip'
    if (buffer.readUInt32LE(0) === LZ4_MAGIC) return 'lz4'
    // A zstd file may begin with a frame to be skipped.
    return buffer.equals(ZSTD) || (buffer.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50 ? 'zstd' : 'none'
  } finally {
    await file.close()
  }
}

/**
 * What the bytes of the file at `path` unpack to. Fails as `corrupt`, with the byte of the content, unless they do so to their end.
 * With `single` nothing may have been put behind what was compressed at once.
 */
export async function* decompressed(raw: Bytes, path: string, compression: Compression, single: boolean): Bytes {
  if (compression === 'none') return yield* raw
  let plain = 0
  try {
    for await (const chunk of READERS[compression](raw, single)) {
      plain += chunk.length
      yield chunk
    }
  } catch (error) {
    if (error instanceof Failure && error.kind !== 'corrupt') throw error
    if (error instanceof Error && error.name === 'AbortError') throw error
    if (faultOf(error) !== undefined) throw toFailure(error)
    throw new Failure('corrupt', `byte ${plain}: ${path} cannot be decompressed to its end: ${describe(error)}`, {
      cause: error,
      facts: { byteOffset: plain },
      hint: 'It is cut off or damaged. Use another copy of the dump, or make it again.',
    })
  }
}

const READERS = { gzip: gunzip, zstd: unzstd, lz4: unlz4 } as const

async function* gunzip(raw: Bytes, single: boolean): Bytes {
  const decompressor = createGunzip({ chunkSize: CHUNK_SIZE })
  let given = 0
  let plain = 0
  let tail: Buffer = Buffer.alloc(0)
  const note = (chunk: Uint8Array): void => {
    given += chunk.length
    tail = Buffer.concat([tail, chunk.subarray(-4)]).subarray(-4)
  }
  const counted = Readable.from(notingOf(raw, note))
  // Both ends are closed when either ends; the error is the reader's. A stream without an encoding gives bytes.
  for await (const chunk of pipeline(counted, decompressor, () => {}) as AsyncIterable<Uint8Array>) {
    plain += chunk.length
    yield chunk
  }
  // Node takes a zero for padding, and leaves whatever is behind it unread.
  if (decompressor.bytesWritten < given) throw new Failure('corrupt', 'something that is not gzip follows its end')
  // It ends with the length of what it holds, the last part alone if it has several.
  if (single && tail.readUInt32LE(0) !== plain % 2 ** 32)
    throw new Failure('corrupt', 'something follows its end, or its length is another one')
}

async function* notingOf(content: Bytes, note: (chunk: Uint8Array) => void): Bytes {
  for await (const chunk of content) {
    note(chunk)
    yield chunk
  }
}
