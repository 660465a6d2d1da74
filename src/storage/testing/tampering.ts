import { assertBlobName } from '../names.ts'
import type { Storage } from '../storage.ts'
import { collect } from '../streams.ts'
import { PassThrough } from '../wrap/pass-through.ts'
import { never } from './bodies.ts'

/**
 * Storage that an attacker, or a failing disk, changes behind our back. It takes the rights that `Storage` denies
 * everyone: to overwrite a blob, to exchange two, and to bring back the whole of an earlier time.
 */
export class TamperedStorage extends PassThrough {
  /** Replaces the content of a blob, or creates it. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    assertBlobName(name)
    await this.inner.remove(name, never)
    await this.inner.put(name, bytes, never)
  }

  async read(name: string): Promise<Buffer> {
    return collect(await this.inner.get(name, never))
  }

  /** Changes a blob by changing its bytes. */
  async change(name: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
    await this.write(name, change(await this.read(name)))
  }

  /** Flips one bit; a negative place counts from the end. */
  async flipBit(name: string, at: number): Promise<void> {
    await this.change(name, (bytes) => {
      const index = at < 0 ? bytes.length + at : at
      bytes.writeUInt8(bytes.readUInt8(index) ^ 1, index)
      return bytes
    })
  }

  async truncate(name: string, length: number): Promise<void> {
    await this.change(name, (bytes) => bytes.subarray(0, length))
  }

  /** Removes a blob without anyone having asked for it. */
  async lose(name: string): Promise<void> {
    await this.inner.remove(name, never)
  }

  /** Exchanges the contents of two blobs. */
  async swap(one: string, other: string): Promise<void> {
    const [left, right] = [await this.read(one), await this.read(other)]
    await this.write(one, right)
    await this.write(other, left)
  }

  /** All that is there now; give it to `rollBack` later. */
  async snapshot(): Promise<ReadonlyMap<string, Buffer>> {
    const blobs = new Map<string, Buffer>()
    for await (const { name } of this.inner.list('', never)) blobs.set(name, await this.read(name))
    return blobs
  }

  /** Makes everything as it was. */
  async rollBack(snapshot: ReadonlyMap<string, Buffer>): Promise<void> {
    const present = await this.snapshot()
    for (const name of present.keys()) if (!snapshot.has(name)) await this.lose(name)
    for (const [name, bytes] of snapshot) if (present.get(name)?.equals(bytes) !== true) await this.write(name, bytes)
  }
}

/** Wraps storage so that a test can tamper with it. */
export function tampering(storage: Storage): TamperedStorage {
  return new TamperedStorage(storage)
}
