import { freeBytes } from '../core/texts/free-bytes.ts'
import type { Bytes } from '../core/ports.ts'
import { assertNotCancelled, cancelled } from './outcomes.ts'

/** Bytes as a stream, whichever of the two forms they came in. */
export function asStream(body: Uint8Array | Bytes): Bytes {
  return body instanceof Uint8Array ? streamOf(body) : body
}

async function* streamOf(...chunks: readonly Uint8Array[]): Bytes {
  yield* chunks
}

/** A whole stream in memory; only for what is known to be small. */
export async function collect(stream: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  // The copy is needed: a producer may fill the same buffer again for its next chunk.
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/**
 * Memory of pieces that are done with, for the next ones: the collector is slow to see large buffers, and each that it has
 * to find makes it look at everything else. Larger pieces than `largest` bytes are not kept but given back to the system.
 */
export class PieceBuffers {
  readonly #free: Buffer<ArrayBuffer>[] = []
  readonly #largest: number

  constructor(largest = Infinity) {
    this.#largest = largest
  }

  take(size: number): Buffer<ArrayBuffer> {
    const index = this.#free.findIndex(({ length }) => length === size)
    return this.#free.splice(index, index < 0 ? 0 : 1)[0] ?? Buffer.allocUnsafeSlow(size)
  }

  /** Only a piece, or the beginning of one, that came from here and that nobody reads any more. */
  give({ buffer }: Buffer<ArrayBuffer>): void {
    const whole = Buffer.from(buffer)
    if (whole.length <= this.#largest) this.#free.push(whole)
    else freeBytes(whole)
  }
}

/**
 * The stream in pieces of exactly `sizeOf(index)` bytes, only the last shorter; none when the stream is empty.
 * Each piece is a buffer of its own, so it stays as it is while the next is filled, and until it is given back.
 */
export async function* inPieces(
  stream: Bytes,
  sizeOf: (index: number) => number,
  buffers = new PieceBuffers(),
): AsyncGenerator<Buffer<ArrayBuffer>, void, void> {
  let index = 0
  let piece = buffers.take(sizeOf(index))
  let filled = 0
  for await (const chunk of stream) {
    for (let taken = 0; taken < chunk.length;) {
      const count = Math.min(chunk.length - taken, piece.length - filled)
      piece.set(chunk.subarray(taken, taken + count), filled)
      taken += count
      filled += count
      if (filled < piece.length) continue
      yield piece
      index += 1
      piece = buffers.take(sizeOf(index))
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
  else buffers.give(piece)
}

/**
 * The same stream, which throws `cancelled` as soon as the signal fires, even while the producer is silent. Whoever
 * leaves early has the producer end first, so that its files and programs are closed.
 */
export async function* untilCancelled(stream: Bytes, signal: AbortSignal, act: string): Bytes {
  const iterator = stream[Symbol.asyncIterator]()
  const turn = new Turn(signal, act)
  let ended = false
  try {
    for (;;) {
      assertNotCancelled(signal, act)
      const result = await turn.wait(() => iterator.next())
      ended = result.done === true
      if (ended) return
      yield result.value
    }
  } catch (error) {
    ended ||= turn.threw
    throw error
  } finally {
    turn.stop()
    if (!ended) await endProducer(iterator, turn.pending)
  }
}

/**
 * Ends a producer whose bytes are not wanted after all. It is asked for a chunk first: one that was never asked would
 * not learn that it is over, and a program behind it would wait for ever.
 */
export async function discard(body: Uint8Array | Bytes, signal: AbortSignal, act: string): Promise<void> {
  for await (const chunk of untilCancelled(asStream(body), signal, act)) if (chunk.length >= 0) return
}

/** A stream that remembers what it threw, so that a put tells the producer's errors from those of its own medium. */
export function remembering(stream: Bytes): { readonly bytes: Bytes; readonly thrown: () => unknown } {
  let thrown: unknown
  const bytes = async function* (): Bytes {
    try {
      yield* stream
    } catch (error) {
      thrown = error
      throw error
    }
  }
  return { bytes: bytes(), thrown: () => thrown }
}

/** Ends a producer early. One that is silent cannot be waited for: its end would come after its next chunk, if ever. */
async function endProducer(iterator: AsyncIterator<Uint8Array>, isSilent: boolean): Promise<void> {
  const end = Promise.resolve(iterator.return?.())
  if (!isSilent) await end
  // The put has failed with `cancelled` already; how the producer ended after that changes nothing.
  else end.catch(() => undefined)
}

/** One wait at a time for either a producer or a signal, without adding a listener for every chunk. */
class Turn {
  readonly #signal: AbortSignal
  readonly #cancel: () => void
  #reject: ((reason: unknown) => void) | undefined
  pending = false
  threw = false

  constructor(signal: AbortSignal, act: string) {
    this.#signal = signal
    this.#cancel = () => this.#reject?.(cancelled(act))
    signal.addEventListener('abort', this.#cancel)
  }

  wait<Result>(next: () => Promise<Result>): Promise<Result> {
    this.pending = true
    return new Promise<Result>((resolve, reject) => {
      this.#reject = reject
      next()
        .finally(() => (this.pending = false))
        .then(resolve, (error: unknown) => {
          this.threw = true
          reject(error)
        })
    })
  }

  stop(): void {
    this.#signal.removeEventListener('abort', this.#cancel)
  }
}
