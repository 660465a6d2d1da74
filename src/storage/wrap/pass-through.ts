import type { Bytes } from '../../core/ports.ts'
import type { BlobInfo, ByteRange, ListOptions, Storage, StorageFeatures } from '../storage.ts'

/** Storage that hands every call on. A wrapper extends it and changes what it is there for. */
export class PassThrough implements Storage {
  protected readonly inner: Storage

  constructor(inner: Storage) {
    this.inner = inner
  }

  get location(): string {
    return this.inner.location
  }

  get features(): StorageFeatures {
    return this.inner.features
  }

  put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    return this.inner.put(name, body, signal)
  }

  get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes> {
    return this.inner.get(name, signal, range)
  }

  stat(name: string, signal: AbortSignal): Promise<BlobInfo> {
    return this.inner.stat(name, signal)
  }

  list(prefix: string, signal: AbortSignal, options?: ListOptions): AsyncIterable<BlobInfo> {
    return this.inner.list(prefix, signal, options)
  }

  remove(name: string, signal: AbortSignal): Promise<void> {
    return this.inner.remove(name, signal)
  }

  now(signal: AbortSignal): Promise<Date> {
    return this.inner.now(signal)
  }

  async free(signal: AbortSignal): Promise<number | undefined> {
    return await this.inner.free?.(signal)
  }

  async tidy(olderThan: Date, signal: AbortSignal): Promise<number> {
    return (await this.inner.tidy?.(olderThan, signal)) ?? 0
  }
}
