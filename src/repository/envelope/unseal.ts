import { timingSafeEqual } from 'node:crypto'
import { Failure } from '../../core/failure.ts'
import { freeBytes } from '../../core/texts/free-bytes.ts'
import type { Bytes } from '../../core/ports.ts'
import { ByteReader } from '../documents/bytes.ts'
import { openChunk, PLAIN_CHUNK, SEALED_CHUNK, TAG_LENGTH } from './chunk-cipher.ts'
import { HEADER_LENGTH, parseHeader, type ExpectedHeader } from './header.ts'
import { artifactKeys, PREFIX_LENGTH, SALT_LENGTH, type ArtifactKeys } from './key-schedule.ts'

/** Chunks that are opened together. */
const BATCH = 16

export interface UnsealRequest extends ExpectedHeader {
  readonly dataKey: Uint8Array
}

/**
 * Decrypts an artifact. No byte is released before the chunk it is in was authenticated, and the stream ends without
 * throwing only if the artifact is whole. Fails with `denied` under another data key, `unsupported` for what this
 * version does not know, and `corrupt` for everything else.
 */
export async function* unseal(content: Bytes, request: UnsealRequest): Bytes {
  const reader = new ByteReader(content)
  try {
    const keys = openPrefix(await reader.read(PREFIX_LENGTH), request)
    yield* openChunks(reader, keys)
  } finally {
    await reader.close()
  }
}

/**
 * Authenticates an artifact and forgets what is in it. Fails as `unseal` does; ends without failing only if the artifact
 * is whole.
 */
export async function authenticate(content: Bytes, request: UnsealRequest): Promise<void> {
  const reader = new ByteReader(content)
  try {
    const keys = openPrefix(await reader.read(PREFIX_LENGTH), request)
    for await (const batch of batchesOf(reader)) {
      for (let chunk = 0; chunk < batch.whole; chunk += 1) freeBytes(openInBatch(keys, batch, chunk))
      if (batch.isLast) openLast(keys, batch)
    }
  } finally {
    await reader.close()
  }
}

function openPrefix(prefix: Buffer, request: UnsealRequest): ArtifactKeys {
  if (prefix.length < PREFIX_LENGTH) throw new Failure('corrupt', 'artifact ends before its first chunk')
  parseHeader(prefix.subarray(0, HEADER_LENGTH), request)
  const salt = prefix.subarray(HEADER_LENGTH, HEADER_LENGTH + SALT_LENGTH)
  const keys = artifactKeys(request.dataKey, prefix.subarray(0, HEADER_LENGTH), salt)
  if (timingSafeEqual(keys.commitment, prefix.subarray(HEADER_LENGTH + SALT_LENGTH))) return keys
  throw new Failure(
    'denied',
    `artifact ${request.number} of restore point ${request.point} is encrypted with another data key`,
  )
}

async function* openChunks(reader: ByteReader, keys: ArtifactKeys): Bytes {
  for await (const batch of batchesOf(reader)) {
    if (batch.whole > 0) yield openWhole(keys, batch)
    if (batch.isLast) yield openLast(keys, batch)
  }
}

/** Encrypted chunks in a buffer that the next batch overwrites. */
interface Batch {
  readonly sealed: Buffer
  /** How many chunks of full length there are. */
  readonly whole: number
  /** Of the first chunk. */
  readonly index: number
  /** Whether what follows the whole chunks is the last, short chunk. */
  readonly isLast: boolean
}

async function* batchesOf(reader: ByteReader): AsyncGenerator<Batch> {
  const buffer = Buffer.allocUnsafe(BATCH * SEALED_CHUNK)
  for (let index = 0, isLast = false; !isLast; index += BATCH) {
    const sealed = buffer.subarray(0, await reader.readInto(buffer))
    const whole = Math.floor(sealed.length / SEALED_CHUNK)
    isLast = whole < BATCH
    yield { sealed, whole, index, isLast }
  }
}

function openLast(keys: ArtifactKeys, { sealed, whole, index }: Batch): Buffer {
  const last = sealed.subarray(whole * SEALED_CHUNK)
  if (last.length < TAG_LENGTH) throw new Failure('corrupt', 'artifact is cut off')
  return openChunk(keys, index + whole, last)
}

/** Opens the whole chunks. Whatever follows the last, short chunk lands in a whole one and fails its tag. */
function openWhole(keys: ArtifactKeys, batch: Batch): Buffer {
  const plain = Buffer.allocUnsafe(batch.whole * PLAIN_CHUNK)
  for (let chunk = 0; chunk < batch.whole; chunk += 1) {
    const opened = openInBatch(keys, batch, chunk)
    opened.copy(plain, chunk * PLAIN_CHUNK)
    freeBytes(opened)
  }
  return plain
}

function openInBatch(keys: ArtifactKeys, { sealed, index }: Batch, chunk: number): Buffer {
  const start = chunk * SEALED_CHUNK
  return openChunk(keys, index + chunk, sealed.subarray(start, start + SEALED_CHUNK))
}
