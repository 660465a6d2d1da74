import { v7 } from 'uuid'

/** A new UUIDv7 as 32 lower-case hexadecimal digits. */
export function newId(): string {
  return v7().replaceAll('-', '')
}
