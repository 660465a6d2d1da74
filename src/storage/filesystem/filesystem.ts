import { constants } from 'node:fs'
import { access, lstat, open, statfs, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Failure } from '../../core/failure.ts'
import type { Bytes, Clock } from '../../core/ports.ts'
import { systemClock } from '../../system/clock.ts'
import { hasCode, isMissing } from '../../system/files/errno.ts'
import { assertBlobName, assertPrefix } from '../names.ts'
import { assertNotCancelled, blobExists, blobMissing } from '../outcomes.ts'
import { assertRange, spanOf } from '../range.ts'
import type { BlobInfo, ByteRange, ListOptions, Storage, StorageFeatures } from '../storage.ts'
import { asStream, discard, remembering, untilCancelled } from '../streams.ts'
import { asFailures, fileFailure } from './failures.ts'
import { settleRemoval } from './folders.ts'
import { readSpan } from './read.ts'
import { temporaryName } from './temporary.ts'
import { walkBlobs, walkTemporaries } from './walk.ts'
import { writeNew } from './write.ts'

export interface FilesystemOptions {
  /** An absolute path. It is made by the first put. */
  readonly folder: string
  /**
   * The blob that must be in the folder before any other may be put. When a volume is not mounted, the folder it is
   * mounted on is empty, and without this the disk under it would be filled in silence.
   */
  readonly sentinel?: string
  readonly clock?: Clock
}

/**
 * Storage in a folder of a local disk or a network mount. Blobs are files with mode 0440. Files that start with a dot,
 * links and devices are not blobs and are never touched, but for our own temporary files in `tidy`.
 */
export function filesystemStorage(options: FilesystemOptions): Storage {
  return new FilesystemStorage(options)
}

class FilesystemStorage implements Storage {
  readonly location: string
  readonly features: StorageFeatures = { createOnly: true, remarks: [] }
  readonly #root: string
  readonly #sentinel: string | undefined
  readonly #clock: Clock

  constructor(options: FilesystemOptions) {
    this.#root = resolve(options.folder)
    this.#sentinel = options.sentinel
    this.#clock = options.clock ?? systemClock
    this.location = pathToFileURL(this.#root).href
  }

  async put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    assertBlobName(name)
    const act = `put ${name}`
    assertNotCancelled(signal, act)
    try {
      await this.#assertPlace(name)
    } catch (error) {
      await discard(body, signal, act)
      throw error
    }
    const producer = remembering(untilCancelled(asStream(body), signal, act))
    try {
      if ((await writeNew(this.#path(name), producer.bytes)) === 'exists') throw blobExists(name, this.location)
    } catch (error) {
      // The producer's error is thrown on as it is, even when it is an error of a file operation elsewhere.
      throw error === producer.thrown() ? error : fileFailure(error, act, this.#root)
    }
    return this.stat(name, signal)
  }

  async get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes> {
    assertRange(range)
    const info = await this.stat(name, signal)
    const span = spanOf(info, range, this.location)
    return this.#translated(
      `get ${name}`,
      readSpan({ path: this.#path(name), name, location: this.location, span, signal }),
    )
  }

  async stat(name: string, signal: AbortSignal): Promise<BlobInfo> {
    assertBlobName(name)
    assertNotCancelled(signal, `stat ${name}`)
    try {
      const found = await lstat(this.#path(name))
      if (!found.isFile()) throw blobMissing(name, this.location)
      return { name, size: found.size, modified: found.mtime }
    } catch (error) {
      if (isMissing(error)) throw blobMissing(name, this.location, error)
      throw fileFailure(error, `stat ${name}`, this.#root)
    }
  }

  async *list(prefix: string, signal: AbortSignal, { onOther }: ListOptions = {}): AsyncIterable<BlobInfo> {
    assertPrefix(prefix)
    const act = `list ${prefix}`
    assertNotCancelled(signal, act)
    for await (const blob of this.#translated(act, walkBlobs(this.#root, prefix, onOther))) {
      assertNotCancelled(signal, act)
      yield blob
    }
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    assertBlobName(name)
    assertNotCancelled(signal, `remove ${name}`)
    await asFailures(`remove ${name}`, this.#root, async () => {
      const isOurs = await unlinkIfThere(this.#path(name))
      if (!isOurs) return
      await settleRemoval(this.#root, dirname(name))
    })
  }

  /** The time that the medium gives a new file: on a network mount, the server's. */
  async now(signal: AbortSignal): Promise<Date> {
    assertNotCancelled(signal, 'now')
    const path = join(this.#root, temporaryName('now'))
    try {
      const file = await open(path, 'wx', 0o600)
      try {
        return (await file.stat()).mtime
      } finally {
        await file.close()
        await unlink(path)
      }
    } catch (error) {
      // Where nothing can be written nothing can be removed for its age either; our own clock is the best that is left.
      if (isMissing(error) || hasCode(error, 'EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT')) return this.#clock.now()
      throw fileFailure(error, 'now', this.#root)
    }
  }

  async free(signal: AbortSignal): Promise<number> {
    assertNotCancelled(signal, 'free')
    return await asFailures('write', this.#root, async () => {
      await access(this.#root, constants.W_OK | constants.X_OK)
      const { bavail, bsize } = await statfs(this.#root)
      return bavail * bsize
    })
  }

  /** Removes temporary files of writers that died. A living writer's file is as young as its last write. */
  async tidy(olderThan: Date, signal: AbortSignal): Promise<number> {
    let count = 0
    for await (const file of this.#translated('tidy', walkTemporaries(this.#root))) {
      assertNotCancelled(signal, 'tidy')
      if (file.modified >= olderThan) continue
      await asFailures(`remove ${file.name}`, this.#root, () => unlinkIfThere(this.#path(file.name)))
      count += 1
    }
    return count
  }

  #path(name: string): string {
    return join(this.#root, name)
  }

  /** Refuses what cannot succeed before a long stream was read for it. */
  async #assertPlace(name: string): Promise<void> {
    await this.#assertMounted(name)
    const isTaken = await asFailures(`put ${name}`, this.#root, () => exists(this.#path(name)))
    if (isTaken) throw blobExists(name, this.location)
  }

  async #assertMounted(name: string): Promise<void> {
    if (this.#sentinel === undefined || name === this.#sentinel) return
    const sentinel = this.#path(this.#sentinel)
    if (await asFailures(`put ${name}`, this.#root, () => exists(sentinel))) return
    throw new Failure('refused', `${this.#root} holds no ${this.#sentinel}, so nothing is written to it`, {
      hint: 'If it is on a volume, mount the volume. If this is to be a new repository, run holdfast init.',
    })
  }

  async *#translated<Item>(act: string, items: AsyncIterable<Item>): AsyncGenerator<Item, void, void> {
    try {
      yield* items
    } catch (error) {
      throw fileFailure(error, act, this.#root)
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    // A folder in its place means that there is no such blob either.
    if (isMissing(error) || hasCode(error, 'EISDIR')) return false
    throw error
  }
}
