import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { writeAll } from './spooled.ts'

/** A file that was written: readable by its owner only, and on the medium. */
export interface WrittenFile {
  readonly path: string
  readonly size: number
  readonly sha256: string
}

const FLUSH_FROM = 256 * 1024

/** Collects text and appends it to a new private file (0600). `flush` must be awaited often; what is pending is in memory. */
export class TextFile {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #hash = createHash('sha256')
  #pending: string[] = []
  #pendingLength = 0
  #size = 0

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  static async create(path: string): Promise<TextFile> {
    return new TextFile(path, await open(path, 'wx', 0o600))
  }

  add(text: string): void {
    this.#pending.push(text)
    this.#pendingLength += text.length
  }

  async flush(least = FLUSH_FROM): Promise<void> {
    if (this.#pendingLength < least || this.#pendingLength === 0) return
    const bytes = Buffer.from(this.#pending.join(''), 'utf8')
    this.#pending = []
    this.#pendingLength = 0
    this.#hash.update(bytes)
    this.#size += bytes.length
    await writeAll(this.#handle, bytes)
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
