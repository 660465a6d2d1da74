import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { Secret } from '../../../core/secret.ts'
import { randomHex } from '../../../system/random.ts'

const ITERATIONS = 4096

/**
 * What a server keeps of a password (RFC 5803, SCRAM-SHA-256), made here: a statement with it tells logs and whoever reads
 * them no password.
 */
export function scramVerifier(password: Secret, salt = Buffer.from(randomHex(16), 'hex')): Secret {
  // SASLprep without its tables: NFKC, and what it would refuse is hashed as it is, as the server does then.
  const salted = pbkdf2Sync(password.reveal().normalize('NFKC'), salt, ITERATIONS, 32, 'sha256')
  const key = (label: string): Buffer => createHmac('sha256', salted).update(label).digest()
  const stored = createHash('sha256').update(key('Client Key')).digest('base64')
  const server = key('Server Key').toString('base64')
  return new Secret(`SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${server}`)
}
