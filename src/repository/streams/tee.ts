import { Failure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import type { Packed } from '../points/pack.ts'

/** Chunks that one reader may be ahead of the slowest. */
const AHEAD = 2

/** The copies of `fanOut`, which is all that uses it. */
export class Tee {
  readonly #packed: Packed
  readonly #source: AsyncIterator<Uint8Array>
  readonly #copies = new Set<Uint8Array[]>()
  /** What each copy was given last, and how many copies still need a chunk. */
  readonly #given = new Map<Uint8Array[], Uint8Array>()
  readonly #needed = new Map<Uint8Array, number>()
  #ending: { readonly error?: unknown } | undefined
  #pulling: Promise<void> | undefined
  /** Resolved whenever a queue gets shorter or a copy leaves. */
  #room = Promise.withResolvers<void>()

  constructor(packed: Packed) {
    this.#packed = packed
    this.#source = packed.content[Symbol.asyncIterator]()
  }

  open(): Uint8Array[] {
    const queue: Uint8Array[] = []
    this.#copies.add(queue)
    return queue
  }

  async *read(queue: Uint8Array[]): Bytes {
    try {
      for (let chunk = await this.#next(queue); chunk !== undefined; chunk = await this.#next(queue)) yield chunk
    } finally {
      await this.leave(queue)
    }
  }

  async leave(queue: Uint8Array[]): Promise<void> {
    if (!this.#copies.delete(queue)) return
    this.#release(queue)
    for (const chunk of queue) this.#spend(chunk)
    this.#wake()
    if (this.#copies.size > 0 || this.#ending !== undefined) return
    this.#ending = {}
    await this.#pulling
    await this.#source.return?.()
    await this.#packed.drop()
  }

  async #next(queue: Uint8Array[]): Promise<Uint8Array | undefined> {
    this.#release(queue)
    while (queue.length === 0 && this.#ending === undefined && this.#copies.has(queue)) await this.#advance()
    // A copy that was dropped must not look like one that has ended.
    if (!this.#copies.has(queue)) throw new Failure('bug', 'reading a copy that was dropped')
    const chunk = queue.shift()
    if (chunk !== undefined) this.#given.set(queue, chunk)
    this.#wake()
    if (chunk === undefined && this.#ending !== undefined && 'error' in this.#ending) throw this.#ending.error
    return chunk
  }

  /** Pulls one chunk for everybody, unless somebody is pulling already or a reader is too far behind. */
  async #advance(): Promise<void> {
    if (this.#pulling !== undefined) return this.#pulling
    const isFull = [...this.#copies].some((queue) => queue.length >= AHEAD)
    if (isFull) return this.#room.promise
    this.#pulling = this.#pull()
    await this.#pulling
    this.#pulling = undefined
  }

  async #pull(): Promise<void> {
    try {
      const next = await this.#source.next()
      if (next.done === true) this.#ending = {}
      else this.#share(next.value)
    } catch (error) {
      this.#ending = { error }
    }
  }

  #share(chunk: Uint8Array): void {
    this.#needed.set(chunk, this.#copies.size)
    for (const queue of this.#copies) queue.push(chunk)
  }

  /** The copy has used what it was given last. */
  #release(queue: Uint8Array[]): void {
    const chunk = this.#given.get(queue)
    if (chunk === undefined) return
    this.#given.delete(queue)
    this.#spend(chunk)
  }

  #spend(chunk: Uint8Array): void {
    const others = (this.#needed.get(chunk) ?? 1) - 1
    if (others > 0) return void this.#needed.set(chunk, others)
    this.#needed.delete(chunk)
    this.#packed.spent(chunk)
  }

  #wake(): void {
    this.#room.resolve()
    this.#room = Promise.withResolvers<void>()
  }
}
