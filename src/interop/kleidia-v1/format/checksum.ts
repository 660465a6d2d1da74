import { createHash, type Hash } from 'node:crypto'
import type { Prefix } from './prefix.ts'

/** What a writer may have meant by "checksum of ciphertext", the likeliest first. */
export type Coverage =
  | 'ciphertext and tag'
  | 'ciphertext'
  | 'nonce, ciphertext and tag'
  | 'salt, nonce, ciphertext and tag'

/** `absent`: the header has none. `wrong`: it is none of those that are known. */
export type ChecksumVerdict =
  | { readonly verdict: 'matches'; readonly coverage: Coverage; readonly encoding: 'hex' | 'base64' }
  | { readonly verdict: 'wrong' | 'absent' }

/** Takes the ciphertext as it goes by, then its tag, and says whether the header's checksum is one of the known ones. */
export class ChecksumTrial {
  readonly #afterNonce = createHash('sha256')
  readonly #afterSalt: Hash
  readonly #all: Hash

  constructor({ salt, nonce }: Prefix) {
    this.#afterSalt = createHash('sha256').update(nonce)
    this.#all = createHash('sha256').update(salt).update(nonce)
  }

  update(ciphertext: Uint8Array): void {
    for (const hash of [this.#afterNonce, this.#afterSalt, this.#all]) hash.update(ciphertext)
  }

  finish(tag: Uint8Array, claimed: string | undefined): ChecksumVerdict {
    if (claimed === undefined || claimed === '') return { verdict: 'absent' }
    const withoutTag = this.#afterNonce.copy().digest()
    const candidates: readonly [Coverage, Buffer][] = [
      ['ciphertext and tag', this.#afterNonce.update(tag).digest()],
      ['ciphertext', withoutTag],
      ['nonce, ciphertext and tag', this.#afterSalt.update(tag).digest()],
      ['salt, nonce, ciphertext and tag', this.#all.update(tag).digest()],
    ]
    for (const [coverage, digest] of candidates) {
      const encoding = encodingOf(digest, claimed)
      if (encoding !== undefined) return { verdict: 'matches', coverage, encoding }
    }
    return { verdict: 'wrong' }
  }
}

function encodingOf(digest: Buffer, claimed: string): 'hex' | 'base64' | undefined {
  if (digest.toString('hex') === claimed.toLowerCase()) return 'hex'
  const unpadded = digest.toString('base64').replace(/=+$/, '')
  const urlSafe = digest.toString('base64url')
  return [unpadded, urlSafe].includes(claimed.replace(/=+$/, '')) ? 'base64' : undefined
}
