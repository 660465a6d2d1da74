import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib'
import { Failure } from '../../core/failure.ts'

/** Compressed bytes come in pieces of up to this size: less than most frames, so that little of a piece stays empty. */
const PIECE = 256 * 1024

/** A window of 2 MiB holds a whole frame. With less, zstd goes round in it, and finds matches by a slower way from then on. */
const WINDOW_LOG = 21

/**
 * Makes zstd frames one after the other with one compression context. A new context for each frame, as Node's one-shot
 * function has it, takes fresh memory each time, and its output is copied once more.
 */
export class FrameCompressor {
  readonly #stream: ZstdCompress
  #pieces: Buffer[] = []
  #fail: (error: unknown) => void = () => {}

  constructor(level: number) {
    this.#stream = createZstdCompress({
      chunkSize: PIECE,
      params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: WINDOW_LOG },
    })
    this.#stream.on('data', (piece: Buffer) => this.#pieces.push(piece))
    this.#stream.on('error', (cause) => this.#fail(new Failure('bug', 'compressing failed', { cause })))
  }

  /** One frame, whole, in pieces. `plain` must stay as it is until then. One call at a time. */
  async compress(plain: Buffer): Promise<readonly Buffer[]> {
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject
      this.#stream.write(plain)
      // Ends the frame and keeps the stream: `end()` would add an empty frame (https://github.com/nodejs/node/issues/66078).
      this.#stream.flush(constants.ZSTD_e_end, resolve)
    })
    // What was made last may still wait to be handed out; reading hands it out as `data`.
    while (this.#stream.readableLength > 0) this.#stream.read()
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  close(): void {
    this.#stream.destroy()
  }
}
