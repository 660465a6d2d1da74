import { argon2 } from 'node:crypto'
import { promisify } from 'node:util'
import { Failure } from '../../../core/failure.ts'
import type { Secret } from '../../../core/secret.ts'
import { gate } from '../../../repository/keys/gate.ts'
import { WORK } from './layout.ts'

const derive = promisify(argon2)
const oneOfTwo = gate(2)

/** The key that a password gives: Argon2id 1.3 over the bytes of the password as they are, without any normalization. */
export async function kleidiaKey(password: Secret, salt: Uint8Array): Promise<Buffer> {
  const message = Buffer.from(password.reveal(), 'utf8')
  if (message.length === 0) throw new Failure('usage', 'the password of the Kleidia backup is empty')
  return await oneOfTwo(() => derive('argon2id', { message, nonce: salt, ...WORK }))
}
