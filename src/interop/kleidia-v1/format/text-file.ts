import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { writeAll } from '../read/spooled.ts'

/** A file that was written: readable by its owner only, and on the medium. */
export interface WrittenFile {
  readonly path: string
  readonly size: number
  readonly sha256: string
}

const FLUSH_FROM = 128 * 1024
/** UTF-8 takes at most this many bytes for a UTF-16 unit. */
const WIDEST = 3

/**
 * Collects text and appends it to a new private file (0600). `flush` must be awaited often. Text becomes bytes at once:
 * thousands of short strings that wait together would more than double the memory of the process.
 */
export class TextFile {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #hash = createHash('sha256')
  readonly #buffer = Buffer.allocUnsafe(FLUSH_FROM * 2)
  #filled = 0
  /** What came before the buffer's content and did not fit. */
  #waiting: Buffer[] = []
  #size = 0

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  static async create(path: string): Promise<TextFile> {
    return new TextFile(path, await open(path, 'wx', 0o600))
  }

  add(text: string): void {
    if (this.#filled + text.length * WIDEST <= this.#buffer.length)
      this.#filled += this.#buffer.write(text, this.#filled)
    else {
      this.#waiting.push(Buffer.from(this.#buffer.subarray(0, this.#filled)), Buffer.from(text))
      this.#filled = 0
    }
  }

  async flush(least = FLUSH_FROM): Promise<void> {
    if (this.#waiting.length === 0 && this.#filled < least) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const bytes of [...waiting, this.#buffer.subarray(0, this.#filled)]) {
      this.#hash.update(bytes)
      this.#size += bytes.length
      await writeAll(this.#handle, bytes)
    }
    this.#filled = 0
  }

  async finish(): Promise<WrittenFile> {
    await this.flush(0)
    await this.#handle.sync()
    await this.#handle.close()
    return { path: this.#path, size: this.#size, sha256: this.#hash.digest('hex') }
  }

  /** Ends it early; does nothing when it is finished. */
  async close(): Promise<void> {
    await this.#handle.close()
  }
}
