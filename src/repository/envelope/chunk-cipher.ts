import { createCipheriv, createDecipheriv } from 'node:crypto'
import { Failure } from '../../core/failure.ts'
import { freeBytes } from '../../core/texts/free-bytes.ts'
import type { ArtifactKeys } from './key-schedule.ts'

export const PLAIN_CHUNK = 16_384
export const TAG_LENGTH = 16
export const SEALED_CHUNK = PLAIN_CHUNK + TAG_LENGTH
const CHUNK_LIMIT = 2 ** 38
const ALGORITHM = 'aes-256-gcm'
/** Without it Node accepts tags of 4 bytes. */
const OPTIONS = { authTagLength: TAG_LENGTH }

/** Encrypts chunk `index` into `target` at `offset`, followed by its tag; gives where the next chunk goes. */
export function sealChunk(
  keys: ArtifactKeys,
  index: number,
  plain: Uint8Array,
  target: Buffer,
  offset: number,
): number {
  const cipher = createCipheriv(ALGORITHM, keys.key, chunkNonce(keys.nonce, index), OPTIONS)
  const sealed = cipher.update(plain)
  const end = offset + sealed.copy(target, offset)
  freeBytes(sealed)
  cipher.final()
  return end + cipher.getAuthTag().copy(target, end)
}

/** The plaintext of a chunk with its tag, released only after the tag was checked; otherwise fails with `corrupt`. */
export function openChunk(keys: ArtifactKeys, index: number, sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv(ALGORITHM, keys.key, chunkNonce(keys.nonce, index), OPTIONS)
  const length = sealed.length - TAG_LENGTH
  decipher.setAuthTag(sealed.subarray(length))
  const plain = decipher.update(sealed.subarray(0, length))
  try {
    decipher.final()
  } catch (cause) {
    throw new Failure('corrupt', `chunk ${index} is not what was written`, { cause })
  }
  return plain
}

/** N XOR k, with k as a 96-bit big-endian number. */
function chunkNonce(base: Buffer, index: number): Buffer {
  if (index >= CHUNK_LIMIT) throw new Failure('unsupported', 'an artifact of more than 4 PiB')
  const nonce = Buffer.from(base)
  nonce.writeUInt32BE((nonce.readUInt32BE(4) ^ Math.floor(index / 2 ** 32)) >>> 0, 4)
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ (index >>> 0)) >>> 0, 8)
  return nonce
}
