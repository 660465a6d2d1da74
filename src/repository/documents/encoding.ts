import { Failure } from '../../core/failure.ts'

/** Decodes base64 with padding. Fails with `corrupt` unless it is the one canonical form of its bytes. */
export function decodeBase64(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  throw new Failure('corrupt', `${what} is not canonical base64`)
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** For ids and hashes that a schema has already checked to be hexadecimal. */
export function fromHex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}
