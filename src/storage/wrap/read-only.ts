import { Failure } from '../../core/failure.ts'
import type { BlobInfo, Storage } from '../storage.ts'
import { PassThrough } from './pass-through.ts'

/** Storage that refuses every change before the inner storage hears of it. */
export function readOnly(storage: Storage): Storage {
  return new ReadOnly(storage)
}

class ReadOnly extends PassThrough {
  override put(name: string): Promise<BlobInfo> {
    return this.#refuse(`put ${name}`)
  }

  override remove(name: string): Promise<void> {
    return this.#refuse(`remove ${name}`)
  }

  override tidy(): Promise<number> {
    return this.#refuse('tidy')
  }

  async #refuse(act: string): Promise<never> {
    throw new Failure('refused', `${act} refused: ${this.location} was opened for reading only`)
  }
}
