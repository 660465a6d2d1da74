import { createHash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { systemClock } from '../../system/clock.ts'

const never = new AbortController().signal

/** The text of a stream; rejects when it breaks. */
export async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString('utf8')
}

export async function hashOf(
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<{ readonly hash: string; readonly length: number }> {
  const hash = createHash('sha256')
  let length = 0
  for await (const chunk of bytes) {
    hash.update(chunk)
    length += chunk.length
  }
  return { hash: hash.digest('hex'), length }
}

/** What `seq 1 … | head -c length` writes: no part of it is like another. */
export function* numbers(length: number): Generator<Buffer> {
  let left = length
  for (let next = 1; left > 0; next += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, index) => `${next + index}\n`)
    const chunk = Buffer.from(lines.join('')).subarray(0, left)
    left -= chunk.length
    yield chunk
  }
}

/** Writes one chunk after the other, each when the one before was taken. */
export async function write(
  stream: Writable,
  chunks: Iterable<Uint8Array>,
  onTaken: (length: number) => void = () => {},
): Promise<void> {
  for (const chunk of chunks) {
    await new Promise<void>((resolve, reject) => {
      stream.write(chunk, (error) => (error === null || error === undefined ? resolve() : reject(error)))
    })
    onTaken(chunk.length)
  }
}

/** Memory of buffers, which is where streams keep what nobody reads. */
export function heldBytes(): number {
  return process.memoryUsage().arrayBuffers
}

/** What a promise gives or rejects with; fails after 30 s without either. */
export async function settled(promise: Promise<unknown>): Promise<unknown> {
  const ended = new AbortController()
  const limit = systemClock.sleep(30_000, ended.signal).then(() => {
    throw new Error('neither fulfilled nor rejected within 30 s')
  })
  try {
    return await Promise.race([promise.catch((error: unknown) => error), limit])
  } finally {
    limit.catch(() => {})
    ended.abort()
  }
}

/** Waits until `holds` gives true, for at most so many milliseconds. */
export async function until(holds: () => Promise<boolean>, limit: number): Promise<void> {
  const end = systemClock.monotonic() + limit
  while (systemClock.monotonic() < end && !(await holds())) await systemClock.sleep(50, never)
}
