import type { ArtifactRecord } from '../../repository/documents/documents.ts'
import type { PointWriter } from '../../repository/repository.ts'
import type { OperationContext } from '../app.ts'
import type { Destination } from './destinations.ts'

interface Stored {
  readonly destination: Destination
  readonly writer: PointWriter
  readonly record: ArtifactRecord
}

/**
 * Reads stored artifacts back beside the capture, of each destination one after the other: whoever stored one goes on with
 * the next, so that the source is not idle meanwhile. What is not as it was written takes its destination out of the backup.
 */
export class ReadBacks {
  readonly #context: OperationContext
  readonly #waiting = new Map<Destination, Promise<void>>()

  constructor(context: OperationContext) {
    this.#context = context
  }

  /** Never throws; `finished` is called only for what was read back whole. */
  add(stored: Stored, finished: () => void): void {
    const { destination } = stored
    const before = this.#waiting.get(destination) ?? Promise.resolve()
    this.#waiting.set(
      destination,
      before.then(() => this.#readBack(stored, finished)),
    )
  }

  /** Waits for all. A point is committed or removed only after that: nothing may read what is being removed. */
  async settled(): Promise<void> {
    await Promise.all(this.#waiting.values())
  }

  async #readBack({ destination, writer, record }: Stored, finished: () => void): Promise<void> {
    // What a destination holds that has failed is removed anyway.
    if (destination.failure !== undefined) return
    const { clock } = this.#context
    const begun = clock.monotonic()
    try {
      await writer.readBack(record)
      destination.countStored(record.size, clock.monotonic() - begun)
      finished()
    } catch (error) {
      destination.fail(error)
    }
  }
}
