import type { Bytes } from '../../core/ports.ts'
import { randomHex } from '../../system/random.ts'
import { fromHex } from '../documents/encoding.ts'
import { PLAIN_CHUNK, SEALED_CHUNK, TAG_LENGTH, sealChunk } from './chunk-cipher.ts'
import { encodeHeader, type ArtifactHeader } from './header.ts'
import { artifactKeys, SALT_LENGTH, type ArtifactKeys } from './key-schedule.ts'

export interface SealRequest extends ArtifactHeader {
  readonly dataKey: Uint8Array
  /** For test vectors only: a salt that is used twice with one data key gives the plaintext away. */
  readonly salt?: Uint8Array
}

/** Chunks that leave together; 1 MiB suits both files and the parts of an upload. */
const BATCH = 64

/**
 * Encrypts a stream into an artifact: docs/reference/format.md section 4. Every call draws a new salt, so a retry never
 * encrypts two plaintexts under one key and nonce. Throws on what the stream throws, without the last short chunk:
 * what came out until then is no artifact. A chunk is overwritten once the next is asked for.
 */
export async function* seal(body: Bytes, request: SealRequest): Bytes {
  const header = encodeHeader(request)
  const salt = request.salt ?? fromHex(randomHex(SALT_LENGTH))
  const keys = artifactKeys(request.dataKey, header, salt)
  yield Buffer.concat([header, salt, keys.commitment])
  const sealer = new Sealer(keys)
  for await (const chunk of body) {
    for (let offset = 0; offset < chunk.length;) {
      offset += sealer.take(chunk, offset)
      if (sealer.full) yield sealer.release()
    }
  }
  yield sealer.finish()
}

/** Cuts into chunks of 16 KiB and gathers what is encrypted. A chunk that is whole in the input is not copied before. */
class Sealer {
  readonly #keys: ArtifactKeys
  readonly #pending = Buffer.allocUnsafe(PLAIN_CHUNK)
  #pendingLength = 0
  #index = 0
  readonly #batch = Buffer.allocUnsafeSlow(BATCH * SEALED_CHUNK)
  #batchLength = 0

  constructor(keys: ArtifactKeys) {
    this.#keys = keys
  }

  get full(): boolean {
    return this.#batchLength > (BATCH - 1) * SEALED_CHUNK
  }

  /** Takes at most one chunk from `input` at `offset`; gives how many bytes it took. */
  take(input: Uint8Array, offset: number): number {
    const length = Math.min(PLAIN_CHUNK - this.#pendingLength, input.length - offset)
    const part = input.subarray(offset, offset + length)
    if (length === PLAIN_CHUNK) this.#seal(part)
    else this.#hold(part)
    return length
  }

  #hold(part: Uint8Array): void {
    this.#pending.set(part, this.#pendingLength)
    this.#pendingLength += part.length
    if (this.#pendingLength < PLAIN_CHUNK) return
    this.#seal(this.#pending)
    this.#pendingLength = 0
  }

  #seal(plain: Uint8Array): void {
    this.#batchLength = sealChunk(this.#keys, this.#index, plain, this.#batch, this.#batchLength)
    this.#index += 1
  }

  release(): Buffer {
    const sealed = this.#batch.subarray(0, this.#batchLength)
    this.#batchLength = 0
    return sealed
  }

  /** The last chunk is always a short one, and empty when the content fills its chunks: so a cut is seen. */
  finish(): Buffer {
    const room = this.#batchLength + this.#pendingLength + TAG_LENGTH
    const last = Buffer.allocUnsafe(room)
    this.#batch.copy(last, 0, 0, this.#batchLength)
    sealChunk(this.#keys, this.#index, this.#pending.subarray(0, this.#pendingLength), last, this.#batchLength)
    return last
  }
}
