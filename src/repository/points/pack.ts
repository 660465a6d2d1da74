import { createHash } from 'node:crypto'
import { Failure } from '../../core/failure.ts'
import { freeFilled } from '../../core/texts/free-bytes.ts'
import type { Bytes } from '../../core/ports.ts'
import { Tee } from '../streams/tee.ts'
import { FrameCompressor } from '../streams/frame-compressor.ts'
import { defaultParallel, inOrder } from '../streams/in-order.ts'
import { encodeUnitHeader } from '../streams/unit.ts'

/** Plain content on its way into artifacts: compressed once, whatever the number of repositories. */
export interface Packed {
  /** Units of docs/reference/format.md section 4. Can be read once. */
  readonly content: Bytes
  /** Of the plain content. Only after `content` has ended. */
  readonly totals: () => PlainTotals
  /** Says that nobody uses a chunk any more, nor any before it: its memory is given back, where it is known to be nobody else's. */
  readonly spent: (chunk: Uint8Array) => void
  /** Says that nobody will read the rest. Harmless at any time, also when `content` was never read. */
  readonly drop: () => Promise<void>
}

export interface PlainTotals {
  readonly plainSize: number
  readonly plainSha256: string
}

export interface PackOptions {
  /** zstd level; 1 is the default: higher levels cost more time than they save bytes on the way out. */
  readonly level?: number
  /** Frames that are compressed at once, in the threads of Node's pool. */
  readonly parallel?: number
}

/** Plain bytes of a frame. With 1 MiB zstd takes half as long again, with 4 MiB hardly less, and several are in memory. */
const FRAME = 2 * 1024 * 1024

/**
 * Compresses a stream into units, several frames at once and in order. Memory is bounded by `parallel` frames, and
 * the stream is read no faster than the units are taken. What the stream throws is thrown on.
 */
export function pack(body: Bytes, options: PackOptions = {}): Packed {
  const source = body[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  let plainSize = 0
  let totals: PlainTotals | undefined
  const seen = (chunk: Uint8Array): void => {
    hash.update(chunk)
    plainSize += chunk.length
  }
  const frames = new Pool(() => Buffer.allocUnsafeSlow(FRAME))
  const compressors = new Pool(() => new FrameCompressor(options.level ?? 1))
  const unitOf = async (frame: Frame): Promise<readonly Buffer[]> => {
    const compressor = compressors.take()
    const pieces = await compressor.compress(frame.buffer.subarray(0, frame.length))
    compressors.give(compressor)
    frames.give(frame.buffer)
    const frameLength = pieces.reduce((sum, { length }) => sum + length, 0)
    return [encodeUnitHeader({ frameLength, plainLength: frame.length }), ...pieces]
  }
  async function* content(): Bytes {
    try {
      const units = inOrder(framesOf(source, seen, frames), unitOf, options.parallel ?? defaultParallel())
      for await (const pieces of units) yield* pieces
    } finally {
      for (const compressor of compressors.all) compressor.close()
    }
    totals = { plainSize, plainSha256: hash.digest('hex') }
  }
  const drop = async (): Promise<void> => void (await source.return?.())
  return { content: content(), totals: () => totals ?? unfinished(), spent: freeFilled, drop }
}

function unfinished(): never {
  throw new Failure('bug', 'totals of content that was not read to its end')
}

/**
 * What is used again once it is free: new ones each time would let memory grow until the collector notices, as it does
 * not count what lies outside its heap in full.
 */
class Pool<Item> {
  readonly all: Item[] = []
  readonly #free: Item[] = []
  readonly #make: () => Item

  constructor(make: () => Item) {
    this.#make = make
  }

  take(): Item {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const made = this.#make()
    this.all.push(made)
    return made
  }

  give(item: Item): void {
    this.#free.push(item)
  }
}

/** Plain content of a frame: the first `length` bytes of a buffer of the pool. */
interface Frame {
  readonly buffer: Buffer<ArrayBuffer>
  readonly length: number
}

/** Gathers a stream into frames. Every frame is a buffer of its own, as several are in flight. */
async function* framesOf(
  source: AsyncIterator<Uint8Array>,
  seen: (chunk: Uint8Array) => void,
  frames: Pool<Buffer<ArrayBuffer>>,
): AsyncGenerator<Frame> {
  let buffer = frames.take()
  let length = 0
  for await (const chunk of { [Symbol.asyncIterator]: () => source }) {
    seen(chunk)
    for (let offset = 0; offset < chunk.length;) {
      const part = chunk.subarray(offset, offset + FRAME - length)
      buffer.set(part, length)
      length += part.length
      offset += part.length
      if (length < FRAME) continue
      yield { buffer, length }
      buffer = frames.take()
      length = 0
    }
  }
  if (length > 0) yield { buffer, length }
}

/**
 * One packed stream for `count` readers, at the pace of the slowest. A reader that leaves (or whose copy is dropped)
 * no longer holds the others back; when the last has left, the source is dropped. When the source throws, all throw.
 * Every copy must be read, left, or dropped: one that is forgotten stops the others. A chunk is gone once the next is asked for.
 */
export function fanOut(packed: Packed, count: number): readonly Packed[] {
  const fan = new Tee(packed)
  return Array.from({ length: count }, () => {
    const copy = fan.open()
    return { content: fan.read(copy), totals: packed.totals, spent: () => {}, drop: () => fan.leave(copy) }
  })
}
