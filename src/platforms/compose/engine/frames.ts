import { Transform, type TransformCallback } from 'node:stream'
import { Failure, toFailure } from '../../../core/failure.ts'

const HEADER = 8
const STDERR_KEPT = 4096
const NOTHING = Buffer.alloc(0)

/**
 * Takes apart the one stream in which an engine gives both outputs of a program: frames with a header of eight bytes, the
 * first of which names the output, the last four the length. What it gives is standard output. It ends well only after
 * `ending` was fulfilled, which says that nothing was cut.
 */
export class OutputFrames extends Transform {
  /** The last 4 KiB of standard error. */
  stderr = ''
  readonly #name: string
  readonly #ending: () => Promise<void>
  #header = NOTHING
  #output = 0
  #left = 0

  constructor(name: string, ending: () => Promise<void>) {
    super({ readableHighWaterMark: 262_144, writableHighWaterMark: 262_144 })
    this.#name = name
    this.#ending = ending
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      for (let rest = chunk; rest.length > 0;) rest = this.#left === 0 ? this.#head(rest) : this.#content(rest)
      done()
    } catch (error) {
      done(toFailure(error))
    }
  }

  override _flush(done: TransformCallback): void {
    if (this.#left > 0 || this.#header.length > 0)
      return done(new Failure('unreachable', `${this.#name}: the connection was cut in the middle of a frame`))
    void this.#finish(done)
  }

  async #finish(done: TransformCallback): Promise<void> {
    try {
      await this.#ending()
    } catch (error) {
      return done(toFailure(error))
    }
    done()
  }

  #head(bytes: Buffer): Buffer {
    const needed = HEADER - this.#header.length
    this.#header = Buffer.concat([this.#header, bytes.subarray(0, needed)])
    if (this.#header.length === HEADER) this.#begin(this.#header)
    return bytes.subarray(needed)
  }

  #begin(header: Buffer): void {
    this.#output = header[0] ?? 0
    this.#left = header.readUInt32BE(4)
    this.#header = NOTHING
    // 3 is what the engine itself has to say.
    if (this.#output < 1 || this.#output > 3 || header.readUIntBE(1, 3) !== 0)
      throw new Failure('unsupported', `${this.#name}: the engine sent its output in another shape`)
  }

  #content(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#left)
    this.#left -= part.length
    if (this.#output === 1) this.push(part)
    else this.stderr = (this.stderr + part.toString('utf8')).slice(-STDERR_KEPT)
    return bytes.subarray(part.length)
  }
}
