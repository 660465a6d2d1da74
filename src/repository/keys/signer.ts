import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { Failure } from '../../core/failure.ts'
import { Secret } from '../../core/secret.ts'
import { decodeBase64, encodeBase64 } from '../documents/encoding.ts'

const verifySignature = promisify(verify)
const PREFIX = 'ed25519:'
const KEY_LENGTH = 32

/** A key that signs commits, proofs, tombstones and leases. */
export interface Signer {
  /** The public key as `ed25519:<base64>`, which is what readers pin. */
  readonly id: string
  sign(bytes: Uint8Array): Buffer
}

/** A new signing key: as it is used, and as the text of the file that keeps it (PKCS #8 in PEM). */
export function generateSigner(): { readonly signer: Signer; readonly file: Secret } {
  const { privateKey } = generateKeyPairSync('ed25519')
  return {
    signer: signerOf(privateKey),
    file: new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  }
}

/** Reads the file of a signing key. Fails with `usage` when it is none; the message never quotes it. */
export function parseSigner(file: Secret): Signer {
  const key = privateKeyOf(file)
  if (key?.asymmetricKeyType === 'ed25519') return signerOf(key)
  throw new Failure('usage', 'the signing key is not an Ed25519 private key in PEM', {
    hint: 'Give the file that holdfast init wrote.',
  })
}

/** The parser's own error is dropped: it may quote the key. */
function privateKeyOf(file: Secret): KeyObject | undefined {
  try {
    return createPrivateKey(file.reveal())
  } catch {
    return undefined
  }
}

function signerOf(key: KeyObject): Signer {
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  if (x === undefined) throw new Failure('bug', 'an Ed25519 key without its public part')
  return { id: PREFIX + encodeBase64(Buffer.from(x, 'base64url')), sign: (bytes) => sign(null, bytes, key) }
}

/** The public keys that a reader trusts. */
export class TrustedSigners {
  readonly #keys: ReadonlyMap<string, KeyObject>

  /** Fails with `usage` for a text that is no `ed25519:<base64 of 32 bytes>`. */
  constructor(ids: Iterable<string>) {
    this.#keys = new Map([...ids].map((id) => [id, publicKeyOf(id)]))
  }

  ids(): Iterable<string> {
    return this.#keys.keys()
  }

  has(id: string): boolean {
    return this.#keys.has(id)
  }

  /** Whether `signature` over `bytes` is by the trusted signer `id`. Checked off the main thread, so that many go at once. */
  async verify(id: string, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const key = this.#keys.get(id)
    return key !== undefined && verifySignature(null, bytes, key, signature)
  }
}

export function isSignerId(text: string): boolean {
  try {
    return text.startsWith(PREFIX) && decodeBase64(text.slice(PREFIX.length), 'signer').length === KEY_LENGTH
  } catch {
    return false
  }
}

function publicKeyOf(id: string): KeyObject {
  if (!isSignerId(id))
    throw new Failure('usage', `${id} is no signer`, {
      hint: 'A signer is written as ed25519: and 32 bytes in base64.',
    })
  const x = Buffer.from(id.slice(PREFIX.length), 'base64').toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}
