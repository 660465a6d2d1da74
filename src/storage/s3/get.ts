import { Failure, mayRetry } from '../../core/failure.ts'
import { freeBytes } from '../../core/texts/free-bytes.ts'
import type { Bytes } from '../../core/ports.ts'
import { watchIdle } from '../idle-watch.ts'
import { assertBlobName } from '../names.ts'
import { assertNotCancelled, blobShort, cancelled, rangeOutside } from '../outcomes.ts'
import { assertRange, spanOf } from '../range.ts'
import type { ByteRange } from '../storage.ts'
import { withoutRetries } from './connection.ts'
import type { Connection } from './connection.ts'
import { isTaken, readError, s3Failure } from './failures.ts'
import { changed, openRead } from './open-read.ts'
import type { Opened, ReadRequest } from './open-read.ts'
import { statObject } from './stat.ts'

/** How often a broken read is resumed without having got a byte further. */
const RESUMES = 4

export async function getObject(
  connection: Connection,
  name: string,
  signal: AbortSignal,
  range?: ByteRange,
): Promise<Bytes> {
  assertBlobName(name)
  assertRange(range)
  assertNotCancelled(signal, `get ${name}`)
  if (range !== undefined) return getRange(connection, name, signal, range)
  const read: ReadRequest = { name, signal, offset: 0, end: undefined }
  return readOn(connection, read, await openRead(withoutRetries(connection), read))
}

/** S3 cuts a range that leads over the end without a word, so the size is asked for first. */
async function getRange(connection: Connection, name: string, signal: AbortSignal, range: ByteRange): Promise<Bytes> {
  const once = withoutRetries(connection)
  const { start, end } = spanOf(await statObject(once, name, signal), range, connection.location)
  if (start === end) return nothing()
  const read: ReadRequest = { name, signal, offset: start, end }
  const opened = await openRead(once, read)
  if (opened.length === end - start) return readOn(connection, read, opened)
  opened.body.destroy()
  throw rangeOutside(name, connection.location)
}

async function* nothing(): Bytes {}

/** The bytes of a read, which goes on where it was when the connection breaks. */
async function* readOn(connection: Connection, read: ReadRequest, first: Opened): Bytes {
  const end = read.offset + first.length
  let position = read.offset
  let opened: Opened | undefined = first
  for (let failures = 0; ;) {
    // Outside of the try: this was asked for long enough already.
    opened ??= await reopen(connection, { ...read, offset: position, tag: first.tag }, end)
    try {
      for await (const chunk of bytesOf(connection, read, opened)) {
        failures = 0
        position += chunk.length
        if (position > end)
          throw new Failure('corrupt', `blob ${read.name} in ${connection.location} is longer than announced`)
        yield chunk
      }
      if (position === end) return
      throw blobShort(read.name, connection.location, { expected: first.length, found: position - read.offset })
    } catch (error) {
      failures += 1
      if (!mayRetry(error) || failures > RESUMES) throw error
      opened = undefined
    }
  }
}

/** Goes on with a read. The object must be the same, and the answer must be the rest of it and nothing else. */
async function reopen(connection: Connection, read: ReadRequest, end: number): Promise<Opened> {
  const opened = await openRead(connection, { ...read, end }).catch((error: unknown) => {
    throw isReplaced(error) ? changed(connection, read, error) : error
  })
  if (opened.length === end - read.offset) return opened
  opened.body.destroy()
  throw changed(connection, read)
}

function isReplaced(error: unknown): boolean {
  if (!(error instanceof Failure)) return false
  return error.kind === 'notFound' || isTaken(error.cause) || readError(error.cause).status === 416
}

/** The bytes of one answer that were asked for, until it ends, breaks or goes silent. */
async function* bytesOf(connection: Connection, read: ReadRequest, opened: Opened): Bytes {
  const watch = watchIdle(connection.clock, connection.limits.idle, read.signal)
  const silence = Object.assign(new Error('the storage went silent'), { name: 'TimeoutError' })
  watch.signal.addEventListener('abort', () => opened.body.destroy(silence))
  let position = -opened.skip
  try {
    for await (const part of opened.body) {
      const chunk: unknown = part
      watch.pause()
      if (!(chunk instanceof Uint8Array)) throw new Failure('bug', 'the S3 client gave something other than bytes')
      const wanted = wantedOf(chunk, position, opened)
      if (wanted.length > 0) yield wanted
      position += chunk.length
      freeBytes(chunk)
      if (opened.isWhole && position >= opened.length) return
      assertNotCancelled(read.signal, `get ${read.name}`)
      watch.touch()
    }
  } catch (error) {
    if (read.signal.aborted) throw cancelled(`get ${read.name}`, error)
    throw s3Failure(error, `get ${read.name}`, connection.location)
  } finally {
    watch.stop()
    opened.body.destroy()
  }
}

/** Of an answer that gives the whole blob in place of a range, the part in the range. Others are given as they are. */
function wantedOf(chunk: Uint8Array, position: number, { length, isWhole }: Opened): Uint8Array {
  return isWhole ? chunk.subarray(Math.max(0, -position), Math.max(0, length - position)) : chunk
}
