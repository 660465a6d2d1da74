import { Failure } from '../../core/failure.ts'
import { Secret } from '../../core/secret.ts'
import type { Identity } from '../repository.ts'
import { isSignerId } from './signer.ts'

/** What an identity file says: the private keys, and in comments the signers that its owner trusts. */
export interface IdentityFile {
  readonly identities: readonly Identity[]
  readonly signers: readonly string[]
}

/**
 * Reads an age identity file: private keys one a line, comments after `#`. A comment `# signer: ed25519:…` names a
 * trusted signer, so that one file is all that a restore on a fresh machine needs. Fails with `usage` for any other
 * line, naming its number and never its text.
 */
export function parseIdentityFile(text: Secret): IdentityFile {
  const lines = text
    .reveal()
    .split(/\r?\n/)
    .map((line) => line.trim())
  const wrong = lines.findIndex((line) => line !== '' && !line.startsWith('#') && !line.startsWith('AGE-SECRET-KEY-'))
  if (wrong !== -1) throw new Failure('usage', `line ${wrong + 1} of the identity file is neither a key nor a comment`)
  const identities = lines
    .filter((line) => line.startsWith('AGE-SECRET-KEY-'))
    .map((line) => ({ key: new Secret(line) }))
  if (identities.length === 0)
    throw new Failure('usage', 'the identity file holds no key', {
      hint: 'A key is a line that begins with AGE-SECRET-KEY-1.',
    })
  return { identities, signers: lines.flatMap(signerIn) }
}

function signerIn(line: string, index: number): string[] {
  const signer = /^#\s*signer:\s*(\S+)$/.exec(line)?.[1]
  if (signer === undefined) return []
  if (isSignerId(signer)) return [signer]
  throw new Failure('usage', `line ${index + 1} of the identity file names a signer that is none`, {
    hint: 'A signer is written as ed25519: and 32 bytes in base64.',
  })
}

/** An identity file that stock `age` reads too. */
export function formatIdentityFile(identity: {
  readonly key: Secret
  readonly recipient: string
  readonly created: string
  readonly signers: readonly string[]
}): Secret {
  const signers = identity.signers.map((signer) => `# signer: ${signer}\n`).join('')
  return new Secret(
    `# created: ${identity.created}\n# public key: ${identity.recipient}\n${signers}${identity.key.reveal()}\n`,
  )
}
