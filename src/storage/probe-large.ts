import { createHash } from 'node:crypto'
import { isFailure } from '../core/failure.ts'
import type { Bytes } from '../core/ports.ts'
import type { Finding } from '../core/restore-point.ts'
import type { Probe } from './probe-tried.ts'

const CHUNK = 256 * 1024

/** Stores a blob in more than one part, as every backup of some size does, and reads it back. */
export async function findLarge({ storage, signal, folder }: Probe): Promise<Finding> {
  const subject = 'a blob in parts'
  const above = storage.features.partsAbove
  if (above === undefined) return { level: 'ok', subject, message: 'is stored like any other' }
  const name = `${folder}/large`
  await storage.put(name, numbers(above + 1), signal)
  const isSame = (await hashOf(await storage.get(name, signal))) === (await hashOf(numbers(above + 1)))
  if (!isSame) return { level: 'error', subject, message: 'does not come back as it was stored' }
  try {
    await storage.put(name, numbers(above + 1), signal)
    return { level: 'error', subject, message: 'is overwritten by a second of its name' }
  } catch (error) {
    if (!isFailure(error, 'refused')) throw error
    return { level: 'ok', subject, message: 'is stored, read and never overwritten' }
  }
}

/** So many bytes that repeat nowhere. */
async function* numbers(size: number): Bytes {
  for (let at = 0; at < size; at += CHUNK) {
    const chunk = Buffer.alloc(CHUNK)
    for (let index = 0; index < CHUNK; index += 4) chunk.writeUInt32LE(at + index, index)
    yield chunk.subarray(0, size - at)
  }
}

async function hashOf(stream: Bytes): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  return hash.digest('hex')
}
