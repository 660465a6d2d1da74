import { createHash } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import { secretOfBytes } from '../core/texts/secret-bytes.ts'
import { randomHex } from '../system/random.ts'
import type { Signer } from './keys/signer.ts'

/**
 * The key for the fingerprints of all points of an app that this signer makes, so that they can be compared from point to
 * point. A signature of Ed25519 is always the same for the same text, and this text is signed for nothing else: only who has
 * the signing key knows it, and who opens a manifest.
 */
export function fingerprintKeyOf(signer: Signer | undefined, app: string): Secret | undefined {
  if (signer === undefined) return undefined
  const signature = signer.sign(Buffer.from(`holdfast/1 fingerprint key\0${app}`))
  return secretOfBytes(createHash('sha256').update(signature).digest())
}

/** A random key for the fingerprints of one restore point. It is kept in the encrypted manifest only. */
export function newFingerprintKey(): Secret {
  return secretOfBytes(Buffer.from(randomHex(32), 'hex'))
}
