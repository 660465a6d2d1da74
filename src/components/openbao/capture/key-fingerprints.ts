import type { SecretFingerprint } from '../../evidence.ts'
import { fingerprintOf } from '../../secret-record.ts'
import type { OpenbaoDetails } from '../schema.ts'

/** Of the values that key fit used. A server may hold any number of others. */
export function keyFingerprints({ keys = [] }: OpenbaoDetails): readonly SecretFingerprint[] {
  return keys.map(({ name, digest, trailingNewline }) => ({
    name,
    fingerprint: fingerprintOf(digest),
    trailingNewline,
    source: `newest version of ${name.slice(0, name.lastIndexOf('#'))}`,
  }))
}
