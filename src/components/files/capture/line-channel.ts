import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { Bytes } from '../../../core/ports.ts'

/**
 * Lines that one task writes and another reads as bytes, at the same time and with little held between them. When the
 * reader leaves early, what is written later goes nowhere and the writer is not held up.
 */
export class LineChannel {
  readonly #stream = new PassThrough({ highWaterMark: 256 * 1024 })
  #failure: { readonly error: unknown } | undefined

  constructor() {
    // The reader sees the error when it reads; one that has left must not end the process.
    this.#stream.on('error', () => {})
  }

  get bytes(): Bytes {
    return this.#stream
  }

  /** Resolves when there is room for more. Throws what `fail` was given. */
  async write(line: string): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#stream.destroyed || this.#stream.write(line)) return
    const waiting = new AbortController()
    const { signal } = waiting
    // Losing one of the two events must not hang the writer: `close` comes instead of `drain` when the reader left.
    await Promise.race([once(this.#stream, 'drain', { signal }), once(this.#stream, 'close', { signal })]).finally(() =>
      waiting.abort(),
    )
  }

  end(): void {
    this.#stream.end()
  }

  /** Both ends get this error: the reader instead of an end, the writer at its next line. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#stream.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}
