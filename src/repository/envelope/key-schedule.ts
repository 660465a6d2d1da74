import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { fromHex } from '../documents/encoding.ts'

export const SALT_LENGTH = 24
export const PREFIX_LENGTH = 112

export interface ArtifactKeys {
  /** Prepared once: with its plain bytes every chunk of 16 KiB would take about 50 instead of 15 µs. */
  readonly key: KeyObject
  readonly nonce: Buffer
  readonly commitment: Buffer
}

/**
 * The keys of one artifact: docs/reference/format.md section 4. The header is part of the derivation, so an artifact cannot be
 * moved to another place; the commitment makes a ciphertext open under one data key only, which GCM alone does not.
 */
export function artifactKeys(dataKey: Uint8Array, header: Uint8Array, salt: Uint8Array): ArtifactKeys {
  const info = Buffer.concat([
    Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0'),
    salt,
    Buffer.from('holdfast/1\0'),
    header,
  ])
  const bytes = expand(dataKey, info, 76)
  return { key: createSecretKey(bytes.subarray(0, 32)), nonce: bytes.subarray(32, 44), commitment: bytes.subarray(44) }
}

/** What the commit says of the data key, so that a swapped keys file is found before anything is decrypted with it. */
export function keyCommitment(dataKey: Uint8Array, repository: string, point: string): string {
  const info = Buffer.concat([Buffer.from('holdfast/1 data key\0'), fromHex(repository), fromHex(point)])
  return expand(dataKey, info, 32).toString('hex')
}

/** HKDF-Expand with SHA-512 (RFC 5869 section 2.3). There is no extract step: data keys are uniformly random already. */
function expand(key: Uint8Array, info: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let done = 0; done < length; done += 64) {
    const mac = createHmac('sha512', key)
    mac.update(blocks.at(-1) ?? Buffer.alloc(0))
    mac.update(info)
    mac.update(Buffer.from([blocks.length + 1]))
    blocks.push(mac.digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}
