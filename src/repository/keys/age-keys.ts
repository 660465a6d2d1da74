import { Failure } from '../../core/failure.ts'
import { Secret } from '../../core/secret.ts'

export interface KeyPair {
  readonly recipient: string
  /** An `AGE-SECRET-KEY-1…` line. */
  readonly key: Secret
}

export async function generateKeyPair(): Promise<KeyPair> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption')
  const line = await generateX25519Identity()
  return { recipient: await identityToRecipient(line), key: new Secret(line) }
}

/** Fails with `usage` when it is no private key of age; the message never quotes it. */
export async function recipientOf(key: Secret): Promise<string> {
  const { identityToRecipient } = await import('age-encryption')
  try {
    return await identityToRecipient(key.reveal())
  } catch {
    throw new Failure('usage', 'the key is no AGE-SECRET-KEY-1… line')
  }
}
