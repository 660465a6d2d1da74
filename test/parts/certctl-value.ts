import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto'

/** A value as certctl encrypts it, in its version 2. */
export function certctlValue(passphrase: string, plain: string): Buffer {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', pbkdf2Sync(passphrase, salt, 100_000, 32, 'sha256'), nonce)
  const text = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.from([2]), salt, nonce, text, cipher.getAuthTag()])
}
