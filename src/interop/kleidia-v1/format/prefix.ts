import { Failure } from '../../../core/failure.ts'
import type { ByteReader } from '../../../repository/documents/bytes.ts'
import { parseClaims, type Claims } from './claims.ts'
import { foreignFormat } from './foreign.ts'
import { LENGTH_SIZE, LONGEST_HEADER, MAGIC, NONCE_SIZE, SALT_SIZE, SHORTEST_HEADER } from './layout.ts'

/** Everything before the ciphertext. Nothing of it is authenticated. */
export interface Prefix {
  readonly header: Buffer
  readonly claims: Claims
  readonly salt: Buffer
  readonly nonce: Buffer
  /** Where the ciphertext begins. */
  readonly length: number
}

/** Reads up to the ciphertext. Fails with `unsupported` for another format and `corrupt` for a file that is cut off. */
export async function readPrefix(reader: ByteReader, name: string): Promise<Prefix> {
  checkMagic(await reader.read(MAGIC.length), name)
  const length = headerLength(await exactly(reader, LENGTH_SIZE, name), name)
  const header = await exactly(reader, length, name)
  const claims = parseClaims(header, `header of ${name}`)
  const salt = await exactly(reader, SALT_SIZE, name)
  const nonce = await exactly(reader, NONCE_SIZE, name)
  return { header, claims, salt, nonce, length: MAGIC.length + LENGTH_SIZE + length + SALT_SIZE + NONCE_SIZE }
}

/** The bytes from the magic to the end of the header: some writers may authenticate them. */
export function headerWithMagic({ header }: Prefix): Buffer {
  const length = Buffer.alloc(LENGTH_SIZE)
  length.writeUInt32BE(header.length)
  return Buffer.concat([MAGIC, length, header])
}

function checkMagic(start: Buffer, name: string): void {
  if (start.equals(MAGIC)) return
  if (start.length < MAGIC.length && MAGIC.subarray(0, start.length).equals(start)) throw cutOff(name)
  const other = foreignFormat(start)
  throw new Failure(
    'unsupported',
    `${name} is no KLEIDIA_BACKUP_V1 file${other === undefined ? '' : ` but ${other}`}`,
    {
      hint: 'The file must begin with the 17 letters KLEIDIA_BACKUP_V1. Check that it was not decrypted, packed or renamed.',
    },
  )
}

function headerLength(bytes: Buffer, name: string): number {
  const length = bytes.readUInt32BE()
  if (isPlausible(length)) return length
  if (!isPlausible(bytes.readUInt32LE())) {
    throw new Failure(
      'corrupt',
      `${name} states a header of ${length} bytes, outside ${SHORTEST_HEADER} to ${LONGEST_HEADER}`,
    )
  }
  throw new Failure(
    'unsupported',
    `${name} states the length of its header in little-endian order; KLEIDIA_BACKUP_V1 has big-endian`,
    { hint: 'Another program wrote this file, or a version of Kleidia that its documentation does not describe.' },
  )
}

function isPlausible(length: number): boolean {
  return length >= SHORTEST_HEADER && length <= LONGEST_HEADER
}

async function exactly(reader: ByteReader, length: number, name: string): Promise<Buffer> {
  const bytes = await reader.read(length)
  if (bytes.length < length) throw cutOff(name)
  return bytes
}

export function cutOff(name: string): Failure {
  return new Failure('corrupt', `${name} is cut off`, {
    hint: 'Fetch it again from where it was stored and compare the sizes, or use another backup.',
  })
}
