import type { Bytes, Clock } from '../../core/ports.ts'
import type { BlobInfo, ByteRange, ListOptions, Storage } from '../storage.ts'
import { PassThrough } from './pass-through.ts'

const storageMethods = ['put', 'get', 'stat', 'list', 'remove', 'now', 'tidy'] as const
export type StorageMethod = (typeof storageMethods)[number]

export interface Measure {
  readonly calls: number
  readonly failures: number
  /** Content that went through, also of calls that failed later. */
  readonly bytes: number
  /** From the call to its outcome, for `get` and `list` to the last item. Waiting for the producer or reader counts. */
  readonly milliseconds: number
}

export interface Measured extends Storage {
  /** What happened since the storage was wrapped. */
  readonly measures: Readonly<Record<StorageMethod, Measure>>
}

type Changeable = { -readonly [Field in keyof Measure]: Measure[Field] }

/** Storage that counts its calls, bytes and time. */
export function measured(storage: Storage, clock: Clock): Measured {
  return new MeasuredStorage(storage, clock)
}

class MeasuredStorage extends PassThrough implements Measured {
  readonly #clock: Clock
  readonly measures: Readonly<Record<StorageMethod, Changeable>> = {
    put: zero(),
    get: zero(),
    stat: zero(),
    list: zero(),
    remove: zero(),
    now: zero(),
    tidy: zero(),
  }

  constructor(inner: Storage, clock: Clock) {
    super(inner)
    this.#clock = clock
  }

  override put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    if (!(body instanceof Uint8Array))
      return this.#call('put', () => super.put(name, this.#counted('put', body), signal))
    this.measures.put.bytes += body.length
    return this.#call('put', () => super.put(name, body, signal))
  }

  override async get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes> {
    const stream = await this.#call('get', () => super.get(name, signal, range))
    return this.#timed('get', this.#counted('get', stream))
  }

  override stat(name: string, signal: AbortSignal): Promise<BlobInfo> {
    return this.#call('stat', () => super.stat(name, signal))
  }

  override list(prefix: string, signal: AbortSignal, options?: ListOptions): AsyncIterable<BlobInfo> {
    this.measures.list.calls += 1
    return this.#timed('list', super.list(prefix, signal, options))
  }

  override remove(name: string, signal: AbortSignal): Promise<void> {
    return this.#call('remove', () => super.remove(name, signal))
  }

  override now(signal: AbortSignal): Promise<Date> {
    return this.#call('now', () => super.now(signal))
  }

  override tidy(olderThan: Date, signal: AbortSignal): Promise<number> {
    return this.#call('tidy', () => super.tidy(olderThan, signal))
  }

  async #call<Result>(method: StorageMethod, act: () => Promise<Result>): Promise<Result> {
    const measure = this.measures[method]
    const begun = this.#clock.monotonic()
    measure.calls += 1
    try {
      return await act()
    } catch (error) {
      measure.failures += 1
      throw error
    } finally {
      measure.milliseconds += this.#clock.monotonic() - begun
    }
  }

  async *#timed<Item>(method: StorageMethod, items: AsyncIterable<Item>): AsyncGenerator<Item, void, void> {
    const begun = this.#clock.monotonic()
    try {
      yield* items
    } catch (error) {
      this.measures[method].failures += 1
      throw error
    } finally {
      this.measures[method].milliseconds += this.#clock.monotonic() - begun
    }
  }

  async *#counted(method: StorageMethod, stream: Bytes): Bytes {
    for await (const chunk of stream) {
      this.measures[method].bytes += chunk.length
      yield chunk
    }
  }
}

function zero(): Changeable {
  return { calls: 0, failures: 0, bytes: 0, milliseconds: 0 }
}
