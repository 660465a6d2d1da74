import { Failure } from '../../core/failure.ts'

/** The 16 bytes before each zstd frame, in the shape of a skippable frame: docs/reference/format.md section 4. */
export const UNIT_HEADER = 16
const MAGIC = Buffer.from('502a4d1808000000', 'hex')
const PLAIN_LIMIT = 8 * 1024 * 1024
const FRAME_LIMIT = 9 * 1024 * 1024

export interface UnitHeader {
  readonly frameLength: number
  readonly plainLength: number
}

export function encodeUnitHeader({ frameLength, plainLength }: UnitHeader): Buffer {
  const bytes = Buffer.alloc(UNIT_HEADER)
  MAGIC.copy(bytes)
  bytes.writeUInt32LE(frameLength, 8)
  bytes.writeUInt32LE(plainLength, 12)
  return bytes
}

/** Fails with `corrupt` when it is none or over the limits, so that nothing is allocated for what it claims. */
export function parseUnitHeader(bytes: Buffer): UnitHeader {
  if (bytes.length < UNIT_HEADER || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw damaged('a unit does not begin as one')
  const [frameLength, plainLength] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12)]
  if (frameLength > FRAME_LIMIT) throw damaged(`a frame of ${frameLength} bytes`)
  if (plainLength === 0 || plainLength > PLAIN_LIMIT) throw damaged(`a unit of ${plainLength} plain bytes`)
  return { frameLength, plainLength }
}

export function damaged(what: string, cause?: unknown): Failure {
  return new Failure('corrupt', `compressed content is damaged: ${what}`, { cause })
}
