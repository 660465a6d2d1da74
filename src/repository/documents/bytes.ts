import { createHash } from 'node:crypto'
import { Failure } from '../../core/failure.ts'
import { freeBytes } from '../../core/texts/free-bytes.ts'
import type { Bytes } from '../../core/ports.ts'

export interface Measure {
  readonly size: number
  readonly sha256: string
}

export interface Measured {
  readonly content: Bytes
  /** Of all bytes that went by. Only after the stream has ended. */
  readonly totals: () => Measure
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The same stream, measured on its way. */
export function measured(source: Bytes): Measured {
  const hash = createHash('sha256')
  let size = 0
  let totals: Measure | undefined
  async function* content(): Bytes {
    for await (const chunk of source) {
      hash.update(chunk)
      size += chunk.length
      yield chunk
    }
    totals = { size, sha256: hash.digest('hex') }
  }
  return { content: content(), totals: () => totals ?? fail('totals of a stream that has not ended') }
}

function fail(message: string): never {
  throw new Failure('bug', message)
}

export async function* bytesOf(...chunks: readonly Uint8Array[]): Bytes {
  yield* chunks
}

/** Reads a stream that is small by its nature. Fails with `corrupt` as soon as it is longer than `limit`. */
export async function collect(source: Bytes, limit: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    size += chunk.length
    if (size > limit) throw new Failure('corrupt', `${what} is longer than ${limit} bytes`)
    // A producer may fill the same memory again for its next chunk.
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks, size)
}

/** Reads a stream to its end and forgets it. */
export async function drain(source: Bytes): Promise<void> {
  for await (const _chunk of source) {
    // What is wrong with a stream, it throws.
  }
}

/** Reads exact lengths from a stream of chunks of any length. `close` must be called when the rest is not wanted. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #held: Uint8Array = Buffer.alloc(0)
  /** The chunk that `#held` is the rest of. */
  #chunk: Uint8Array = this.#held
  #ended = false
  readonly #owns: boolean

  /** With `owns` the chunks are nobody else's, and each is given back when it was read. */
  constructor(source: Bytes, owns = false) {
    this.#source = source[Symbol.asyncIterator]()
    this.#owns = owns
  }

  /** Fills `target` with the next bytes; gives how many, which are fewer only where the stream ends. */
  async readInto(target: Buffer): Promise<number> {
    let length = 0
    while (length < target.length && (await this.#fill())) {
      const part = this.#held.subarray(0, target.length - length)
      target.set(part, length)
      length += part.length
      this.#held = this.#held.subarray(part.length)
    }
    return length
  }

  /** The next `length` bytes; fewer, or none, only where the stream ends. */
  async read(length: number): Promise<Buffer> {
    const target = Buffer.alloc(length)
    return target.subarray(0, await this.readInto(target))
  }

  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#source.return?.()
  }

  async #fill(): Promise<boolean> {
    while (this.#held.length === 0) {
      if (this.#ended) return false
      if (this.#owns) freeBytes(this.#chunk)
      const next = await this.#source.next()
      if (next.done === true) this.#ended = true
      else this.#held = this.#chunk = next.value
    }
    return true
  }
}
