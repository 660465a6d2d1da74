import { createHash } from 'node:crypto'
import type { Bytes } from '../../core/ports.ts'
import type { Storage } from '../storage.ts'

/** A signal that never fires. */
export const never = new AbortController().signal

/** Bytes that differ at every place and can be made again: a shifted or repeated chunk shows. */
export function patternedBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = (seed * 2_654_435_761) >>> 0 || 1
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[index] = state & 0xff
  }
  return bytes
}

/** A stream in chunks of one buffer that is filled again each time, as a real producer may do. */
export async function* streamed(bytes: Uint8Array, chunk = 10_007): Bytes {
  const buffer = Buffer.alloc(chunk)
  for (let offset = 0; offset < bytes.length; offset += chunk) {
    const piece = bytes.subarray(offset, offset + chunk)
    buffer.set(piece)
    yield buffer.subarray(0, piece.length)
  }
}

/** A stream that gives `bytes` and then throws `error`. */
export async function* throwing(bytes: Uint8Array, error: Error): Bytes {
  yield* streamed(bytes)
  throw error
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export async function hashOf(stream: Bytes): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  return hash.digest('hex')
}

export async function namesOf(storage: Storage, prefix = ''): Promise<string[]> {
  const names: string[] = []
  for await (const blob of storage.list(prefix, never)) names.push(blob.name)
  return names
}
