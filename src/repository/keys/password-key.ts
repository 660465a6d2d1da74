import { argon2, hkdfSync } from 'node:crypto'
import { promisify } from 'node:util'
import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import type { IdentityHeader } from '../documents/documents.ts'
import { decodeBase64 } from '../documents/encoding.ts'
import { gate } from './gate.ts'

const derive = promisify(argon2)
const VERSION = 0x13
/** A derivation may take 2 GiB: no more than two run at once in a process. */
const oneOfTwo = gate(2)
const SALT_LENGTH = 32
const MIB = 1024
/** Of docs/reference/format.md section 2. Less is too weak to keep a secret; more could stop the machine of who opens it. */
const BOUNDS = { t: [1, 16], memoryKiB: [64 * MIB, 2048 * MIB], p: [1, 16] } as const

export type Kdf = IdentityHeader['kdf']

/** What one guess at a password costs. */
export type Work = Pick<Kdf, 't' | 'memoryKiB' | 'p'>

/** What identities are written with: about half a second and 256 MiB. */
export const usualWork: Work = { t: 3, memoryKiB: 256 * MIB, p: 4 }

export function argon2id(work: Work, salt: string): Kdf {
  return { name: 'argon2id', version: VERSION, ...work, salt }
}

export interface PasswordKeys {
  readonly key: Buffer
  readonly commitment: Buffer
}

/**
 * The keys that a password gives under an identity's header: docs/reference/format.md section 6. Fails with `unsupported` before
 * any work when the header asks for another function or for more or less work than the bounds.
 */
export async function passwordKeys(password: Secret, kdf: Kdf, header: Uint8Array): Promise<PasswordKeys> {
  const salt = decodeBase64(kdf.salt, 'salt of the identity')
  checkBounds(kdf, salt.length)
  const secret = await oneOfTwo(() => stretch(password, kdf, salt))
  const info = Buffer.concat([Buffer.from('holdfast/1 identity\0'), header])
  const bytes = Buffer.from(hkdfSync('sha512', secret, Buffer.alloc(0), info, 64))
  return { key: bytes.subarray(0, 32), commitment: bytes.subarray(32) }
}

function checkBounds(kdf: Kdf, saltLength: number): void {
  const isKnown = kdf.name === 'argon2id' && kdf.version === VERSION && saltLength === SALT_LENGTH
  const within = ([least, most]: readonly [number, number], value: number): boolean => value >= least && value <= most
  if (isKnown && within(BOUNDS.t, kdf.t) && within(BOUNDS.memoryKiB, kdf.memoryKiB) && within(BOUNDS.p, kdf.p)) return
  throw new Failure(
    'unsupported',
    `the identity asks for ${kdf.name} with t=${kdf.t}, ${kdf.memoryKiB} KiB and p=${kdf.p}, which is out of bounds`,
  )
}

async function stretch(password: Secret, kdf: Kdf, nonce: Buffer): Promise<Buffer> {
  const message = Buffer.from(password.reveal().normalize('NFC'))
  return derive('argon2id', { message, nonce, passes: kdf.t, memory: kdf.memoryKiB, parallelism: kdf.p, tagLength: 32 })
}
