import { isFailure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import { cancelled } from '../outcomes.ts'
import type { BlobInfo, ByteRange, ListOptions, Storage } from '../storage.ts'
import { FIRST_RETRIES, LATER_RETRIES, repeat } from '../repeat.ts'
import { collect } from '../streams.ts'
import { PassThrough } from './pass-through.ts'

export interface RetryOptions {
  /** How often a call is made again while the storage has answered none. */
  readonly retries?: number
  /** How often once it has: what fails now is an outage, and hours of work may hang on it. */
  readonly laterRetries?: number
  /** Wait before the first repetition, in milliseconds; it doubles from one to the next. */
  readonly firstPause?: number
  /** Told when a call is repeated for long. */
  readonly say?: (message: string) => void
}

/**
 * Makes calls again that failed with `unreachable`. A put of bytes that is refused at its repetition is compared with
 * what is there: the same bytes are its own, whose acknowledgement was lost. A put of a stream is made once, since its
 * producer cannot be asked again, and so is reading on in a stream that `get` gave.
 */
export function retrying(storage: Storage, options: RetryOptions = {}): Storage {
  return new Retrying(storage, options)
}

class Retrying extends PassThrough {
  readonly #options: Required<RetryOptions>
  #hasAnswered = false

  constructor(inner: Storage, options: RetryOptions) {
    super(inner)
    this.#options = {
      retries: FIRST_RETRIES,
      laterRetries: options.retries ?? LATER_RETRIES,
      firstPause: 500,
      say: () => {},
      ...options,
    }
  }

  override put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    if (!(body instanceof Uint8Array)) return this.inner.put(name, body, signal)
    return this.#again(signal, `put ${name}`, async (attempt) => {
      try {
        return await this.inner.put(name, body, signal)
      } catch (error) {
        if (attempt === 1 || !isFailure(error, 'refused') || !(await this.#holds(name, body, signal))) throw error
        return this.inner.stat(name, signal)
      }
    })
  }

  override get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes> {
    return this.#again(signal, `get ${name}`, () => this.inner.get(name, signal, range))
  }

  override stat(name: string, signal: AbortSignal): Promise<BlobInfo> {
    return this.#again(signal, `stat ${name}`, () => this.inner.stat(name, signal))
  }

  /** A listing that breaks is begun again and goes on after the last name that was given. */
  override async *list(prefix: string, signal: AbortSignal, options?: ListOptions): AsyncIterable<BlobInfo> {
    const listing = new Listing(() => this.inner.list(prefix, signal, options))
    for (;;) {
      const blob = await this.#again(signal, `list ${prefix}`, () => listing.next())
      if (blob === undefined) return
      yield blob
    }
  }

  override remove(name: string, signal: AbortSignal): Promise<void> {
    return this.#again(signal, `remove ${name}`, () => this.inner.remove(name, signal))
  }

  override now(signal: AbortSignal): Promise<Date> {
    return this.#again(signal, 'now', () => this.inner.now(signal))
  }

  override tidy(olderThan: Date, signal: AbortSignal): Promise<number> {
    return this.#again(signal, 'tidy', () => super.tidy(olderThan, signal))
  }

  async #holds(name: string, body: Uint8Array, signal: AbortSignal): Promise<boolean> {
    try {
      const { size } = await this.inner.stat(name, signal)
      return size === body.length && (await collect(await this.inner.get(name, signal))).equals(body)
    } catch (error) {
      // Refused, and yet not there: then the refusal was for another reason, such as a full medium.
      if (isFailure(error, 'notFound')) return false
      throw error
    }
  }

  async #again<Result>(signal: AbortSignal, act: string, call: (attempt: number) => Promise<Result>): Promise<Result> {
    if (signal.aborted) throw cancelled(act)
    try {
      const result = await call(1)
      this.#hasAnswered = true
      return result
    } catch (first) {
      if (signal.aborted && !isFailure(first, 'cancelled')) throw cancelled(act, first)
      if (!isFailure(first, 'unreachable')) {
        this.#hasAnswered = true
        throw first
      }
      return await this.#repeat(signal, act, (attempt) => (attempt === 1 ? Promise.reject(first) : call(attempt)))
    }
  }

  /** Apart from the first call: a listing is thousands of calls that all succeed. */
  async #repeat<Result>(signal: AbortSignal, act: string, call: (attempt: number) => Promise<Result>): Promise<Result> {
    const { laterRetries, firstPause, say } = this.#options
    const retries = this.#hasAnswered ? laterRetries : this.#options.retries
    const mayRetry = (error: unknown): boolean => isFailure(error, 'unreachable')
    try {
      return await repeat(call, { signal, retries, firstPause, mayRetry, say })
    } catch (error) {
      throw signal.aborted && !isFailure(error, 'cancelled') ? cancelled(act, error) : error
    }
  }
}

/** A listing that can be taken up again after it broke. */
class Listing {
  readonly #begin: () => AsyncIterable<BlobInfo>
  #blobs: AsyncIterator<BlobInfo> | undefined
  #last: string | undefined

  constructor(begin: () => AsyncIterable<BlobInfo>) {
    this.#begin = begin
  }

  /** The next blob, or undefined at the end. */
  async next(): Promise<BlobInfo | undefined> {
    try {
      this.#blobs ??= this.#begin()[Symbol.asyncIterator]()
      for (;;) {
        const { done, value } = await this.#blobs.next()
        if (done === true) return undefined
        if (this.#last !== undefined && value.name <= this.#last) continue
        this.#last = value.name
        return value
      }
    } catch (error) {
      this.#blobs = undefined
      throw error
    }
  }
}
