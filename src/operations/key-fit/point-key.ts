import { createHmac } from 'node:crypto'
import type { Secret } from '../../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../../core/texts/secret-bytes.ts'

const SHOWN_DIGITS = 16

/** As the component of secrets has it: HMAC-SHA-256 under the key of the restore point, of which 64 bits are shown. */
export function fingerprintUnder(fingerprintKey: Secret): (secret: Secret) => string {
  return (secret) =>
    createHmac('sha256', bytesOfSecret(fingerprintKey))
      .update(bytesOfSecret(secret))
      .digest('hex')
      .slice(0, SHOWN_DIGITS)
}

export function fingerprintKeyFrom(base64: string): Secret {
  return secretOfBytes(Buffer.from(base64, 'base64'))
}
