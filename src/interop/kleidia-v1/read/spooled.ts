import { constants } from 'node:fs'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { isFull } from '../../../core/environment-fault.ts'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { assertNotCancelled } from '../../../storage/outcomes.ts'
import { randomHex } from '../../../system/random.ts'

/**
 * Bytes that are on this machine and that nobody else can change or find: the file has no name any more, so that it is
 * gone whenever and however this process ends.
 */
export interface Spooled {
  readonly size: number
  /** Each chunk is good until the next is asked for: the same buffer is filled again. */
  read(start: number, end?: number): Bytes
  /** What is there of the first `length` bytes. */
  start(length: number): Promise<Buffer>
  close(): Promise<void>
}

/** Copies a stream into a private anonymous file (0600) in `folder`, and onto the medium. */
export async function spool(source: Bytes, folder: string, context: Context): Promise<Spooled> {
  const handle = await context.effects.run('make spool file', () => anonymousFile(folder))
  try {
    const size = await context.effects.run('write spool file', () => fill(handle, source, context.signal))
    return {
      size,
      read: (start, end) => readFrom(handle, start, end),
      start: (length) => startOf(handle, length),
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function anonymousFile(folder: string): Promise<FileHandle> {
  const path = join(folder, `.spool-${randomHex(8)}`)
  const handle = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600)
  await unlink(path)
  return handle
}

async function fill(handle: FileHandle, source: Bytes, signal: AbortSignal): Promise<number> {
  let size = 0
  for await (const chunk of source) {
    assertNotCancelled(signal, 'spool')
    await writeAll(handle, chunk)
    size += chunk.length
  }
  await handle.sync()
  return size
}

/** One write may take less than it was given. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done).catch((cause: unknown) => {
      throw isFull(cause) ? full(cause) : cause
    })
    done += bytesWritten
  }
}

function full(cause: unknown): Failure {
  return new Failure('refused', 'there is no space left in the folder for the unpacked backup', {
    cause,
    hint: 'It takes the size of the file and, beside it, that of its database as SQL. Give a folder with more room.',
  })
}

async function* readFrom(handle: FileHandle, start: number, end = Number.POSITIVE_INFINITY): Bytes {
  const buffer = Buffer.allocUnsafe(64 * 1024)
  for (let position = start; position < end;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - position), position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

async function startOf(handle: FileHandle, length: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of readFrom(handle, 0, length)) parts.push(Buffer.from(chunk))
  return Buffer.concat(parts)
}
