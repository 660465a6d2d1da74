import type { Secret } from '../core/secret.ts'
import { secretOfBytes } from '../core/secret-bytes.ts'
import { randomHex } from '../system/random.ts'

/** A random key for the fingerprints of one restore point. It is kept in the encrypted manifest only. */
export function newFingerprintKey(): Secret {
  return secretOfBytes(Buffer.from(randomHex(32), 'hex'))
}
