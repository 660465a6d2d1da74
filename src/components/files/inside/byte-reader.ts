import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'

/** Takes a stream in pieces of a wanted length. Fails with `unreachable` where it ends before. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest = Buffer.alloc(0)

  constructor(bytes: Bytes) {
    this.#chunks = bytes[Symbol.asyncIterator]()
  }

  async take(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    for await (const piece of this.stream(length)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  async *stream(length: number): Bytes {
    for (let missing = length; missing > 0;) {
      if (this.#rest.length === 0 && !(await this.#more())) throw endedEarly()
      const piece = this.#rest.subarray(0, missing)
      this.#rest = this.#rest.subarray(piece.length)
      missing -= piece.length
      yield piece
    }
  }

  /** Reads to the end, which may be an error of whoever gives the stream. */
  async drain(): Promise<void> {
    while (await this.#more());
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next()
    if (done === true) return false
    // A chunk belongs to its reader only until it asks for the next.
    this.#rest = Buffer.from(value)
    return true
  }
}

function endedEarly(): Failure {
  return new Failure('unreachable', 'the archive of the container ends early', { hint: 'Run it again.' })
}
