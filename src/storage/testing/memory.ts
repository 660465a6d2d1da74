import type { Bytes, Clock } from '../../core/ports.ts'
import { systemClock } from '../../system/clock.ts'
import { assertBlobName, assertPrefix, byName } from '../names.ts'
import { assertNotCancelled, blobExists, blobMissing } from '../outcomes.ts'
import { spanOf } from '../range.ts'
import type { BlobInfo, ByteRange, Storage, StorageFeatures } from '../storage.ts'
import { asStream, collect, discard, untilCancelled } from '../streams.ts'

const CHUNK = 64 * 1024
const LOCATION = 'memory:'

interface Kept {
  readonly bytes: Buffer
  readonly modified: Date
}

export interface MemoryOptions {
  /** Gives the blobs their times; a test's own clock lets them grow old. */
  readonly clock?: Clock
  readonly features?: StorageFeatures
}

/** Storage that forgets everything when the process ends. */
export function memoryStorage(options: MemoryOptions = {}): Storage {
  return new MemoryStorage(options)
}

class MemoryStorage implements Storage {
  readonly location = LOCATION
  readonly features: StorageFeatures
  readonly #blobs = new Map<string, Kept>()
  readonly #clock: Clock

  constructor(options: MemoryOptions) {
    this.#clock = options.clock ?? systemClock
    this.features = options.features ?? { createOnly: true, remarks: [] }
  }

  async put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    assertBlobName(name)
    assertNotCancelled(signal, `put ${name}`)
    if (this.#blobs.has(name)) {
      await discard(body, signal, `put ${name}`)
      throw blobExists(name, LOCATION)
    }
    const bytes = await collect(untilCancelled(asStream(body), signal, `put ${name}`))
    // Nothing may be awaited between this look and the write, or two writers could both succeed.
    if (this.#blobs.has(name)) throw blobExists(name, LOCATION)
    this.#blobs.set(name, { bytes, modified: this.#clock.now() })
    return this.#info(name)
  }

  async get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes> {
    assertNotCancelled(signal, `get ${name}`)
    const { start, end } = spanOf(this.#info(name), range, LOCATION)
    return this.#read(name, this.#kept(name).bytes.subarray(start, end), signal)
  }

  async stat(name: string, signal: AbortSignal): Promise<BlobInfo> {
    assertNotCancelled(signal, `stat ${name}`)
    return this.#info(name)
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<BlobInfo> {
    assertPrefix(prefix)
    const names = [...this.#blobs.keys()].filter((name) => name.startsWith(prefix)).sort(byName)
    for (const name of names) {
      assertNotCancelled(signal, `list ${prefix}`)
      if (this.#blobs.has(name)) yield this.#info(name)
    }
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    assertBlobName(name)
    assertNotCancelled(signal, `remove ${name}`)
    this.#blobs.delete(name)
  }

  async now(): Promise<Date> {
    return this.#clock.now()
  }

  async *#read(name: string, bytes: Buffer, signal: AbortSignal): Bytes {
    // A copy: what the reader does with its bytes must not change the blob. One for all chunks, as the contract lets it
    // be: a reader that keeps a chunk for later finds it overwritten here too, where it is seen first.
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, bytes.length))
    for (let offset = 0; offset < bytes.length; offset += CHUNK) {
      assertNotCancelled(signal, `get ${name}`)
      yield chunk.subarray(0, bytes.copy(chunk, 0, offset))
    }
    chunk.fill(0)
  }

  #kept(name: string): Kept {
    assertBlobName(name)
    const kept = this.#blobs.get(name)
    if (kept === undefined) throw blobMissing(name, LOCATION)
    return kept
  }

  #info(name: string): BlobInfo {
    const { bytes, modified } = this.#kept(name)
    return { name, size: bytes.length, modified }
  }
}
