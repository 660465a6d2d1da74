import { Secret } from '../secret.ts'

/** A secret that is not text, held so that it cannot be printed. */
export function secretOfBytes(bytes: Uint8Array): Secret {
  return new Secret(Buffer.from(bytes).toString('base64'))
}

/** The bytes of a secret that `secretOfBytes` made; keep them nowhere. */
export function bytesOfSecret(secret: Secret): Buffer {
  return Buffer.from(secret.reveal(), 'base64')
}
