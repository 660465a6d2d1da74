import { randomBytes } from 'node:crypto'

/** `bytes` random bytes from the system's generator, as lower-case hexadecimal digits. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}
