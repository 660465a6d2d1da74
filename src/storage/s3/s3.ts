import { isFailure } from '../../core/failure.ts'
import type { Bytes, Clock } from '../../core/ports.ts'
import { systemClock } from '../../system/clock.ts'
import { assertBlobName } from '../names.ts'
import { assertNotCancelled } from '../outcomes.ts'
import { provesCreateOnly } from '../probe.ts'
import type { BlobInfo, ByteRange, ListOptions, Storage, StorageFeatures } from '../storage.ts'
import { FIRST_RETRIES } from '../repeat.ts'
import { retrying } from '../wrap/retrying.ts'
import { connect, defaultLimits, objectOf, withoutRetries } from './connection.ts'
import type { Connection, Limits } from './connection.ts'
import { isAbsent } from './failures.ts'
import { getObject } from './get.ts'
import { listObjects } from './list.ts'
import { putObject } from './upload/put.ts'
import { request } from './request.ts'
import { serverTime } from './server-time.ts'
import type { S3Settings } from './settings.ts'
import { statObject } from './stat.ts'
import { tidyUploads } from './upload/tidy.ts'

export interface S3Options {
  readonly signal: AbortSignal
  readonly clock?: Clock
  readonly limits?: Partial<Limits>
  readonly warn?: (message: string) => void
}

/**
 * Storage in an S3 bucket. When the settings do not say whether the server keeps two writers of one name apart, this is
 * tried out: two small puts and a removal under `probe/`. Where it cannot be tried, for want of rights to write, it is
 * taken as not kept.
 */
export async function openS3(settings: S3Settings, options: S3Options): Promise<Storage> {
  const connection = await connect(settings, {
    clock: options.clock ?? systemClock,
    limits: { ...defaultLimits, ...options.limits },
    warn: options.warn ?? (() => undefined),
  })
  const createOnly = settings.createOnly ?? (await triesCreateOnly(connection, options.signal))
  return new S3Storage({ ...connection, createOnly })
}

async function triesCreateOnly(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const { firstPause } = connection.limits
  try {
    // Puts repeat their requests. Repeated once more, a server that is not there would be tried for more than a minute.
    const storage = retrying(new S3Storage(connection), { firstPause, retries: 0, laterRetries: FIRST_RETRIES })
    return await provesCreateOnly(storage, signal)
  } catch (error) {
    // With a wrong clock everything is denied, which says nothing of the server.
    if (isFailure(error, 'denied') && error.facts['code'] !== 'RequestTimeTooSkewed') return false
    throw error
  }
}

class S3Storage implements Storage {
  readonly location: string
  readonly features: StorageFeatures
  /** For puts and reads, which cannot be repeated as a whole. */
  readonly #connection: Connection
  readonly #once: Connection

  constructor(connection: Connection) {
    this.#connection = connection
    this.#once = withoutRetries(connection)
    this.location = connection.location
    const { createOnly, remarks, partSize } = connection
    this.features = { createOnly, remarks, partsAbove: partSize }
  }

  put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    return putObject(this.#connection, name, body, signal)
  }

  get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes> {
    return getObject(this.#connection, name, signal, range)
  }

  async stat(name: string, signal: AbortSignal): Promise<BlobInfo> {
    assertBlobName(name)
    assertNotCancelled(signal, `stat ${name}`)
    const { size, modified } = await statObject(this.#once, name, signal)
    return { name, size, modified }
  }

  list(prefix: string, signal: AbortSignal, { pageSize }: ListOptions = {}): AsyncIterable<BlobInfo> {
    return listObjects(this.#connection, { prefix, signal, pageSize })
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    assertBlobName(name)
    assertNotCancelled(signal, `remove ${name}`)
    const { sdk, client } = this.#once
    await request(this.#once, { act: `remove ${name}`, signal }, async (abortSignal) => {
      await client
        .send(new sdk.DeleteObjectCommand(objectOf(this.#connection, name)), { abortSignal })
        .catch((error: unknown) => {
          if (!isAbsent(error)) throw error
        })
    })
  }

  now(signal: AbortSignal): Promise<Date> {
    assertNotCancelled(signal, 'now')
    return serverTime(this.#once, signal)
  }

  tidy(olderThan: Date, signal: AbortSignal): Promise<number> {
    assertNotCancelled(signal, 'tidy')
    return tidyUploads(this.#once, olderThan, signal)
  }
}
