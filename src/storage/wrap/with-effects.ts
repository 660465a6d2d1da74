import type { Bytes, Effects } from '../../core/ports.ts'
import type { BlobInfo, Storage } from '../storage.ts'
import { PassThrough } from './pass-through.ts'

/**
 * Storage whose changes are effects: `put <name>`, `remove <name>` and `tidy`. A put is one effect from its first byte
 * to its acknowledgement, because it is whole or absent whatever happens between the two.
 */
export function withEffects(storage: Storage, effects: Effects): Storage {
  return new WithEffects(storage, effects)
}

class WithEffects extends PassThrough {
  readonly #effects: Effects

  constructor(inner: Storage, effects: Effects) {
    super(inner)
    this.#effects = effects
  }

  override put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    return this.#effects.run(`put ${name}`, () => super.put(name, body, signal))
  }

  override remove(name: string, signal: AbortSignal): Promise<void> {
    return this.#effects.run(`remove ${name}`, () => super.remove(name, signal))
  }

  override tidy(olderThan: Date, signal: AbortSignal): Promise<number> {
    return this.#effects.run('tidy', () => super.tidy(olderThan, signal))
  }
}
