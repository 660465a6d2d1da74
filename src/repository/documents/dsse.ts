import { Failure } from '../../core/failure.ts'
import { envelopeSchema } from './documents.ts'
import { decodeBase64, encodeBase64 } from './encoding.ts'
import { isSignerId, TrustedSigners, type Signer } from '../keys/signer.ts'
import { parseDocument } from './parse-document.ts'

export type PayloadType = 'commit' | 'proof' | 'tombstone' | 'lease'
const mediaType = (type: PayloadType): string => `application/vnd.holdfast.${type}+json`

/** Signs a document: docs/reference/format.md section 7. The payload is signed as bytes, so there is no canonical form to agree on. */
export function signDocument(type: PayloadType, document: object, signer: Signer): Buffer {
  const payload = Buffer.from(JSON.stringify(document))
  const sig = encodeBase64(signer.sign(signedBytes(mediaType(type), payload)))
  const envelope = {
    payloadType: mediaType(type),
    payload: encodeBase64(payload),
    signatures: [{ keyid: signer.id, sig }],
  }
  return Buffer.from(JSON.stringify(envelope))
}

export interface Verified {
  readonly payload: Buffer
  /** The key id of the trusted signer. */
  readonly signer: string
}

/**
 * The payload of a signed document. Fails with `denied` when its signer signed it and is not trusted, and with `corrupt` when
 * the document is of another type or not what was signed. The payload is not parsed before its signature is checked.
 */
export async function verifyDocument(
  type: PayloadType,
  bytes: Uint8Array,
  trusted: TrustedSigners,
  what: string,
): Promise<Verified> {
  const { payloadType, payload, signatures } = parseDocument(bytes, envelopeSchema, what)
  if (payloadType !== mediaType(type)) throw new Failure('corrupt', `${what} is not a ${type}`)
  const [{ keyid, sig }] = signatures
  const content = decodeBase64(payload, `payload of ${what}`)
  const signed = { bytes: signedBytes(payloadType, content), signature: decodeBase64(sig, `signature of ${what}`) }
  if (!trusted.has(keyid)) throw await strange(keyid, signed, trusted, what)
  if (await trusted.verify(keyid, signed.bytes, signed.signature)) return { payload: content, signer: keyid }
  throw new Failure('corrupt', `${what} is not what its signer signed`)
}

interface Signed {
  readonly bytes: Buffer
  readonly signature: Buffer
}

/** A signer that nobody trusts here, unless the very name of the signer is what was damaged: then nobody signed it so. */
async function strange(keyid: string, signed: Signed, trusted: TrustedSigners, what: string): Promise<Failure> {
  if (!isSignerId(keyid)) return new Failure('corrupt', `${what} names a signer that is none`)
  const named = new TrustedSigners([keyid])
  const isTheirs = await named.verify(keyid, signed.bytes, signed.signature).catch(() => false)
  if (isTheirs) return untrusted(what, keyid)
  for (const id of trusted.ids())
    if (await trusted.verify(id, signed.bytes, signed.signature))
      return new Failure('corrupt', `${what} does not name the signer who signed it`)
  return new Failure('corrupt', `${what} is not what its signer signed`)
}

function signedBytes(type: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload])
}

function untrusted(what: string, signer: string): Failure {
  return new Failure('denied', `${what} is signed by ${signer.slice(0, 64)}, who is not trusted here`, {
    hint: 'If this signer is yours, add it to the trusted signers. If not, somebody else wrote to this repository.',
    facts: { signer: signer.slice(0, 64) },
  })
}
