import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto'
import { Failure } from '../../core/failure.ts'
import { Secret } from '../../core/secret.ts'
import { randomHex } from '../../system/random.ts'
import {
  identityHeaderSchema,
  identitySchema,
  identitySecretSchema,
  type IdentityHeader,
} from '../documents/documents.ts'
import { sha256 } from '../documents/bytes.ts'
import { decodeBase64, encodeBase64, fromHex } from '../documents/encoding.ts'
import { parseDocument } from '../documents/parse-document.ts'
import { recipientOf, type KeyPair } from './age-keys.ts'
import { argon2id, passwordKeys, usualWork, type PasswordKeys, type Work } from './password-key.ts'
import { wrongPassword } from './wrong-password.ts'

const ALGORITHM = 'aes-256-gcm'
const TAG_LENGTH = 16
const NONCE_LENGTH = 12

/** A private key with what its holder trusts, as it is while unlocked. */
export interface UnlockedIdentity extends KeyPair {
  readonly name: string
  readonly created: string
  /** Authenticated by the password: who opens the identity also knows whose points to trust. */
  readonly signers: readonly string[]
}

/** The bytes of an identity document that `password` opens: docs/reference/format.md section 6. */
export async function lockIdentity(
  identity: UnlockedIdentity,
  password: Secret,
  work: Work = usualWork,
): Promise<Buffer> {
  if (password.reveal() === '') throw new Failure('usage', `the password of identity ${identity.name} is empty`)
  const header = headerOf(identity, work)
  const nonce = fromHex(randomHex(NONCE_LENGTH))
  const keys = await passwordKeys(password, header.content.kdf, header.bytes)
  const secret = { identity: identity.key.reveal(), signers: identity.signers }
  const ciphertext = encrypt(Buffer.from(JSON.stringify(secret)), keys.key, nonce, header.bytes)
  const parts = { header: header.bytes, commitment: keys.commitment, nonce, ciphertext }
  const encoded = Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, encodeBase64(bytes)]))
  return Buffer.from(JSON.stringify({ ...encoded, sha256: sumOf(Object.values(parts)) }))
}

/** A commitment cannot tell a wrong password from a bit that flipped in what it is made of; this can, before any password. */
function sumOf(parts: readonly Buffer[]): string {
  return sha256(Buffer.concat(parts))
}

/**
 * Opens an identity document. Fails with `denied` when the password is wrong, and with `corrupt` when the document
 * was changed: a wrong password is told from damage by the commitment.
 */
export async function unlockIdentity(document: Uint8Array, password: Secret, what: string): Promise<UnlockedIdentity> {
  const parsed = parseIdentity(document, what)
  const keys = await passwordKeys(password, parsed.header.kdf, parsed.headerBytes)
  if (!timingSafeEqual(keys.commitment, parsed.commitment)) throw wrongPassword(`the password of ${what} is wrong`)
  const secret = parseDocument(decrypt(parsed, keys, what), identitySecretSchema, `content of ${what}`)
  const { name, created, recipient } = parsed.header
  const unlocked = { name, created, recipient, key: new Secret(secret.identity), signers: secret.signers }
  if ((await recipientOf(unlocked.key)) === recipient) return unlocked
  throw new Failure('corrupt', `${what} holds the key of another recipient`)
}

/** The public part of an identity document, which nobody vouches for until it is unlocked. */
export function readIdentityHeader(document: Uint8Array, what: string): IdentityHeader {
  return parseIdentity(document, what).header
}

interface ParsedIdentity {
  readonly header: IdentityHeader
  readonly headerBytes: Buffer
  readonly commitment: Buffer
  readonly nonce: Buffer
  readonly ciphertext: Buffer
}

function parseIdentity(bytes: Uint8Array, what: string): ParsedIdentity {
  const document = parseDocument(bytes, identitySchema, what)
  const headerBytes = decodeBase64(document.header, `header of ${what}`)
  const commitment = decodeBase64(document.commitment, `commitment of ${what}`)
  const nonce = decodeBase64(document.nonce, `nonce of ${what}`)
  const ciphertext = decodeBase64(document.ciphertext, `ciphertext of ${what}`)
  const sum = sumOf([headerBytes, commitment, nonce, ciphertext])
  if (document.sha256 !== undefined && document.sha256 !== sum)
    throw new Failure('corrupt', `${what} is not what was written: its SHA-256 differs`)
  const header = parseDocument(headerBytes, identityHeaderSchema, `header of ${what}`)
  if (commitment.length === 32 && nonce.length === NONCE_LENGTH && ciphertext.length >= TAG_LENGTH)
    return { header, headerBytes, commitment, nonce, ciphertext }
  throw new Failure('corrupt', `${what} has a field of the wrong length`)
}

function headerOf(
  { name, recipient, created }: UnlockedIdentity,
  work: Work,
): { readonly content: IdentityHeader; readonly bytes: Buffer } {
  const content: IdentityHeader = {
    format: 1,
    name,
    recipient,
    created,
    kdf: argon2id(work, encodeBase64(fromHex(randomHex(32)))),
  }
  return { content, bytes: Buffer.from(JSON.stringify(content)) }
}

function encrypt(plain: Buffer, key: Buffer, nonce: Buffer, header: Buffer): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_LENGTH }).setAAD(header)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(parsed: ParsedIdentity, { key }: PasswordKeys, what: string): Buffer {
  const { ciphertext, nonce, headerBytes } = parsed
  const end = ciphertext.length - TAG_LENGTH
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_LENGTH })
    .setAAD(headerBytes)
    .setAuthTag(ciphertext.subarray(end))
  try {
    return Buffer.concat([decipher.update(ciphertext.subarray(0, end)), decipher.final()])
  } catch (cause) {
    throw new Failure('corrupt', `${what} is not what was written`, { cause })
  }
}
