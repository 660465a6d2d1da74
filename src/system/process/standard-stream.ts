import type { Writable } from 'node:stream'

/**
 * Standard output or standard error of this process. What cannot be written is dropped, and the work goes on to its end: where nobody
 * listens for the error Node ends the process at once, which in a restore may be between the fence and the swap.
 */
export class StandardStream {
  readonly #stream: Writable & { readonly isTTY?: boolean }
  #error: Error | undefined

  constructor(stream: Writable & { readonly isTTY?: boolean }) {
    this.#stream = stream
    stream.on('error', (error: Error) => (this.#error ??= error))
  }

  write(text: string): void {
    // A terminal that hung up fails each time.
    if (this.#error === undefined) this.#stream.write(text)
  }

  /**
   * Ends when all that was written is taken, or cannot be. Gives why something is missing; undefined as well where who read it
   * has gone, and wants no more.
   */
  async missing(): Promise<string | undefined> {
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()))
    return this.#error === undefined || this.#isReaderGone(this.#error) ? undefined : this.#error.message
  }

  /** A pipe without a reader, or a terminal that hung up. */
  #isReaderGone(error: Error): boolean {
    const code = 'code' in error ? error.code : undefined
    return code === 'EPIPE' || (code === 'EIO' && this.#stream.isTTY === true)
  }
}
