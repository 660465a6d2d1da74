import { isFailure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import { assertBlobName } from '../names.ts'
import { blobExists } from '../outcomes.ts'
import type { BlobInfo, Storage } from '../storage.ts'
import { asStream, untilCancelled } from '../streams.ts'
import { PassThrough } from './pass-through.ts'

/** A change that a dry run left undone. */
export type Swallowed =
  | { readonly type: 'put'; readonly name: string; readonly size: number }
  | { readonly type: 'remove'; readonly name: string }

export interface DryRun extends Storage {
  /** All changes so far, in order. */
  readonly swallowed: readonly Swallowed[]
}

/**
 * Storage whose reads are real and whose changes are only recorded. A put still reads its stream to the end and still
 * fails when the name is taken, so that a dry run finds what the real run would. Reads do not see swallowed changes.
 */
export function dryRun(storage: Storage): DryRun {
  return new DryRunStorage(storage)
}

class DryRunStorage extends PassThrough implements DryRun {
  readonly swallowed: Swallowed[] = []

  override async put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    assertBlobName(name)
    if (await this.#isTaken(name, signal)) throw blobExists(name, this.location)
    let size = 0
    for await (const chunk of untilCancelled(asStream(body), signal, `put ${name}`)) size += chunk.length
    this.swallowed.push({ type: 'put', name, size })
    return { name, size, modified: await this.inner.now(signal) }
  }

  override async remove(name: string): Promise<void> {
    assertBlobName(name)
    this.swallowed.push({ type: 'remove', name })
  }

  override async tidy(): Promise<number> {
    return 0
  }

  async #isTaken(name: string, signal: AbortSignal): Promise<boolean> {
    const last = this.swallowed.findLast((change) => change.name === name)
    if (last !== undefined) return last.type === 'put'
    try {
      await this.inner.stat(name, signal)
      return true
    } catch (error) {
      if (isFailure(error, 'notFound')) return false
      throw error
    }
  }
}
