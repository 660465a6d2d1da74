import { Failure } from '../../../../core/failure.ts'
import type { Bytes } from '../../../../core/ports.ts'

/** How many bytes the writer's numbers have. */
export interface Widths {
  readonly int: number
  readonly offset: number
}

/** Reads the fields of pg_dump's custom format one after the other, and remembers the bytes they were. */
export class ArchiveFields {
  readonly #chunks: AsyncIterator<Uint8Array>
  #buffer: Buffer = Buffer.alloc(0)
  #taken = 0
  #at = 0
  #widths: Widths = { int: 4, offset: 8 }

  constructor(content: Bytes) {
    this.#chunks = content[Symbol.asyncIterator]()
  }

  use(widths: Widths): void {
    this.#widths = widths
  }

  async bytes(length: number): Promise<Buffer> {
    if (this.#buffer.length - this.#at < length) await this.#fill(length)
    const found = this.#buffer.subarray(this.#at, this.#at + length)
    this.#at += length
    return found
  }

  /** A sign and the digits, the lowest first. */
  async int(): Promise<number> {
    const [sign = 0, ...digits] = await this.bytes(1 + this.#widths.int)
    const value = digits.reduceRight((sum, digit) => sum * 256 + digit, 0)
    return sign === 0 ? value : -value
  }

  /** Null is a text that is not there, which is not the same as an empty one. */
  async text(): Promise<string | null> {
    const length = await this.int()
    return length < 0 ? null : (await this.bytes(length)).toString('utf8')
  }

  async offset(): Promise<void> {
    await this.bytes(1 + this.#widths.offset)
  }

  /** The bytes that were read since it was asked for the last time. */
  taken(): Buffer {
    const found = this.#buffer.subarray(this.#taken, this.#at)
    this.#taken = this.#at
    return found
  }

  /** Everything that was not given by `taken`, to the end. */
  async *rest(): Bytes {
    yield this.#buffer.subarray(this.#taken)
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) yield next.value
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  /** The buffer grows by doubling, so that a list of any length is copied only a few times. Earlier slices stay as they are. */
  async #fill(length: number): Promise<void> {
    const wanted = Math.max(this.#at + length, 2 * this.#buffer.length)
    const parts: Uint8Array[] = [this.#buffer]
    let size = this.#buffer.length
    while (size < wanted) {
      const next = await this.#chunks.next()
      if (next.done === true) break
      // A chunk may be overwritten once the next is asked for.
      parts.push(Buffer.from(next.value))
      size += next.value.length
    }
    this.#buffer = Buffer.concat(parts)
    if (size < this.#at + length) throw new Failure('corrupt', 'the dump ends within its list of contents')
  }
}

export function encodeInt(value: number, { int }: Widths): Buffer {
  const bytes = Buffer.alloc(1 + int)
  bytes[0] = value < 0 ? 1 : 0
  for (let at = 0, left = Math.abs(value); at < int; at += 1, left = Math.floor(left / 256)) bytes[1 + at] = left % 256
  return bytes
}

export function encodeText(text: string | null, widths: Widths): Buffer {
  if (text === null) return encodeInt(-1, widths)
  const bytes = Buffer.from(text, 'utf8')
  return Buffer.concat([encodeInt(bytes.length, widths), bytes])
}
