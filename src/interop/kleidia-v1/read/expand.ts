import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, type Gunzip } from 'node:zlib'
import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'

/** What an archive may grow to before it is taken for a bomb. */
export interface ArchiveLimits {
  readonly expandedBytes: number
  /** Times its compressed size. SQL seldom compresses to less than a twentieth. */
  readonly ratio: number
}

export const usualLimits: ArchiveLimits = { expandedBytes: 64 * 2 ** 30, ratio: 200 }

/** Below this the ratio says nothing: a few kilobytes of the same text compress a hundredfold. */
const RATIO_FROM = 16 * 2 ** 20

/** Undoes gzip. Fails with `corrupt` unless it is whole gzip to the end, and with `refused` when it outgrows the limits. */
export async function* expand(source: Bytes, size: number, limits: ArchiveLimits, name: string): Bytes {
  const gunzip = createGunzip({ chunkSize: 64 * 1024 })
  let given = 0
  const feeding = pipeline(Readable.from(counted(source, (length) => (given += length))), gunzip)
  // What goes wrong on the way in comes out of gunzip too.
  feeding.catch(() => undefined)
  yield* limited(named(gunzip, name), size, limits, name)
  if (gunzip.bytesWritten < given) throw new Failure('corrupt', `content of ${name} goes on after its end`)
}

async function* counted(source: Bytes, count: (length: number) => void): Bytes {
  for await (const chunk of source) {
    count(chunk.length)
    yield chunk
  }
}

async function* named(gunzip: Gunzip, name: string): Bytes {
  try {
    // A stream without an encoding gives bytes.
    yield* gunzip as AsyncIterable<Uint8Array>
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))) throw error
    throw new Failure('corrupt', `content of ${name} is not whole gzip: ${String(error.code)}`)
  } finally {
    gunzip.destroy()
  }
}

async function* limited(source: Bytes, size: number, limits: ArchiveLimits, name: string): Bytes {
  const byRatio = Math.max(RATIO_FROM, size * limits.ratio)
  let length = 0
  for await (const chunk of source) {
    length += chunk.length
    if (length > byRatio) throw outgrown(name, `${limits.ratio} times its size`, '--max-ratio')
    if (length > limits.expandedBytes) throw outgrown(name, `${limits.expandedBytes} bytes`, '--max-bytes')
    yield chunk
  }
}

function outgrown(name: string, limit: string, option: string): Failure {
  return new Failure('refused', `content of ${name} grows beyond ${limit}`, {
    hint: `It may be made to fill the disk. If you know that it is good, raise the limit with ${option}.`,
  })
}
