import { randomBytes, randomInt } from 'node:crypto'

/** `bytes` random bytes from the system's generator, as lower-case hexadecimal digits. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

/** A whole number from 0 up to, but not including, `limit`. */
export function randomBelow(limit: number): number {
  return randomInt(limit)
}
