import type { Bytes } from '../../../../core/ports.ts'

const CHUNK = 65_536

/** Bytes that can be looked at before they are taken. `ended` makes the failure when they end too early. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #ended: () => Error
  #bytes: Buffer = Buffer.alloc(0)

  constructor(content: Bytes, ended: () => Error) {
    this.#chunks = content[Symbol.asyncIterator]()
    this.#ended = ended
  }

  async ended(): Promise<boolean> {
    return !(await this.#fill(1))
  }

  /** At least so many bytes, which stay. */
  async peek(length: number): Promise<Buffer> {
    if (!(await this.#fill(length))) throw this.#ended()
    return this.#bytes
  }

  /** Exactly so many bytes, in one piece of memory of their own. */
  async read(length: number): Promise<Buffer> {
    const found = Buffer.from((await this.peek(length)).subarray(0, length))
    this.#bytes = this.#bytes.subarray(length)
    return found
  }

  async *take(length: number): Bytes {
    for (let left = length; left > 0;) {
      if (!(await this.#fill(1))) throw this.#ended()
      const part = this.#bytes.subarray(0, Math.min(left, CHUNK))
      this.#bytes = this.#bytes.subarray(part.length)
      left -= part.length
      yield part
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #fill(length: number): Promise<boolean> {
    while (this.#bytes.length < length) {
      const next = await this.#chunks.next()
      if (next.done === true) return false
      this.#bytes = Buffer.concat([this.#bytes, next.value])
    }
    return true
  }
}
