import assert from 'node:assert/strict'
import type { Bytes } from '../../core/ports.ts'
import type { BlobInfo, ByteRange, ListOptions } from '../storage.ts'
import { PassThrough } from '../wrap/pass-through.ts'

export type FaultyMethod = 'put' | 'get' | 'stat' | 'list' | 'remove' | 'now'

/**
 * What goes wrong at a call:
 * - `instead`: the error comes and nothing is done;
 * - `after`: it is done, but the error comes in place of the acknowledgement (for `list`, after its first blob);
 * - `truncate`: a read ends after so many bytes, as if that were all;
 * - `flip`: one bit of the byte at this place of a read is wrong;
 * - `hang`: nothing comes until the call is cancelled.
 */
export type Fault =
  | { readonly type: 'instead'; readonly error: Error }
  | { readonly type: 'after'; readonly error: Error }
  | { readonly type: 'truncate'; readonly after: number }
  | { readonly type: 'flip'; readonly at: number }
  | { readonly type: 'hang' }

interface Queued {
  readonly method: FaultyMethod
  readonly fault: Fault
  /** Only calls about this blob are hit, or all when absent. */
  readonly name: string | undefined
}

/** Storage in which a test lets single calls go wrong. Faults of one method fire in the order they were added, each once. */
export class FaultyStorage extends PassThrough {
  readonly #queue: Queued[] = []

  /** The next call of the method (on this blob, when named) goes wrong. */
  fail(method: FaultyMethod, fault: Fault, name?: string): this {
    this.#queue.push({ method, fault, name })
    return this
  }

  /** A test whose fault never fired tested nothing. */
  assertAllFired(): void {
    const left = this.#queue.map(({ method, name, fault }) => `${fault.type} at ${method} ${name ?? ''}`.trim())
    assert.deepEqual(left, [], 'faults that never fired')
  }

  override put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    return this.#call('put', name, signal, () => super.put(name, body, signal))
  }

  override async get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes> {
    const fault = this.#take('get', name)
    if (fault?.type === 'truncate') return truncated(await super.get(name, signal, range), fault.after)
    if (fault?.type === 'flip') return flipped(await super.get(name, signal, range), fault.at)
    if (fault?.type === 'after') return broken(await super.get(name, signal, range), fault.error)
    return perform(fault, signal, () => super.get(name, signal, range))
  }

  override stat(name: string, signal: AbortSignal): Promise<BlobInfo> {
    return this.#call('stat', name, signal, () => super.stat(name, signal))
  }

  override async *list(prefix: string, signal: AbortSignal, options?: ListOptions): AsyncIterable<BlobInfo> {
    const fault = this.#take('list', prefix)
    if (fault?.type !== 'after') await perform(fault, signal, async () => undefined)
    for await (const blob of super.list(prefix, signal, options)) {
      yield blob
      if (fault?.type === 'after') throw fault.error
    }
  }

  override remove(name: string, signal: AbortSignal): Promise<void> {
    return this.#call('remove', name, signal, () => super.remove(name, signal))
  }

  override now(signal: AbortSignal): Promise<Date> {
    return this.#call('now', '', signal, () => super.now(signal))
  }

  async #call<Result>(
    method: FaultyMethod,
    name: string,
    signal: AbortSignal,
    act: () => Promise<Result>,
  ): Promise<Result> {
    return perform(this.#take(method, name), signal, act)
  }

  #take(method: FaultyMethod, name: string): Fault | undefined {
    const index = this.#queue.findIndex(
      (queued) => queued.method === method && (queued.name === undefined || queued.name === name),
    )
    return index === -1 ? undefined : this.#queue.splice(index, 1)[0]?.fault
  }
}

async function perform<Result>(
  fault: Fault | undefined,
  signal: AbortSignal,
  act: () => Promise<Result>,
): Promise<Result> {
  switch (fault?.type) {
    case undefined:
      return act()
    case 'instead':
      throw fault.error
    case 'after':
      await act()
      throw fault.error
    case 'hang':
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    case 'truncate':
    case 'flip':
      throw new assert.AssertionError({ message: `${fault.type} is a fault of get only` })
    default:
      return fault satisfies never
  }
}

async function* truncated(stream: Bytes, after: number): Bytes {
  let left = after
  for await (const chunk of stream) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}

async function* flipped(stream: Bytes, at: number): Bytes {
  let position = 0
  for await (const chunk of stream) {
    const copy = Buffer.from(chunk)
    const index = at - position
    if (index >= 0 && index < copy.length) copy[index] = (copy[index] ?? 0) ^ 1
    position += copy.length
    yield copy
  }
}

async function* broken(stream: Bytes, error: Error): Bytes {
  for await (const chunk of stream) {
    yield chunk
    break
  }
  throw error
}
