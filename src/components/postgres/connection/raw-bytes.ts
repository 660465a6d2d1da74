import { isUtf8 } from 'node:buffer'

/**
 * A database in SQL_ASCII holds names in any bytes. The driver reads and writes UTF-8 only, so each byte that is none stands as
 * one character of those that Unicode leaves to everybody, U+F780 to U+F7FF, while it is with us. What comes back for them is
 * the same bytes again, also where a name really has such a character.
 */
const HIGH = 0x80
const LEAD = 0xef
const SECONDS = [0x9e, 0x9f] as const
const LONGEST = 4

/** Whether `text` has a byte in it that is no UTF-8, and so cannot be an argument of a program. */
export function hasRawBytes(text: string): boolean {
  return /[\uf780-\uf7ff]/.test(text)
}

/** What the server sent, as UTF-8. */
export function toCharacters(bytes: Uint8Array): Buffer {
  if (isUtf8(bytes) && !hasStandIn(bytes)) return Buffer.from(bytes)
  const found: number[] = []
  for (let at = 0; at < bytes.length;) {
    const length = lengthAt(bytes, at)
    if (length === 0) found.push(...standIn(bytes[at] ?? 0))
    else found.push(...bytes.subarray(at, at + length))
    at += Math.max(1, length)
  }
  return Buffer.from(found)
}

/** How long the character there is; 0 if there is none, or one that would be taken for a byte. */
function lengthAt(bytes: Uint8Array, at: number): number {
  if (isStandIn(bytes, at)) return 0
  for (let length = 1; length <= LONGEST && at + length <= bytes.length; length++)
    if (isUtf8(bytes.subarray(at, at + length))) return length
  return 0
}

function standIn(byte: number): readonly number[] {
  return [LEAD, byte < 0xc0 ? SECONDS[0] : SECONDS[1], HIGH | (byte & 0x3f)]
}

/** What we send, as the server is to have it. */
export function toBytes(characters: Uint8Array): Buffer {
  const found = Buffer.alloc(characters.length)
  let to = 0
  for (let at = 0; at < characters.length; to++) {
    const stands = isStandIn(characters, at)
    const last = characters[at + 2] ?? 0
    found[to] = stands ? (characters[at + 1] === SECONDS[0] ? last : last | 0x40) : (characters[at] ?? 0)
    at += stands ? LEAD_LENGTH : 1
  }
  return found.subarray(0, to)
}

const LEAD_LENGTH = 3

function isStandIn(bytes: Uint8Array, at: number): boolean {
  const second = bytes[at + 1]
  return bytes[at] === LEAD && (second === SECONDS[0] || second === SECONDS[1])
}

export function hasStandIn(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(LEAD); at >= 0; at = bytes.indexOf(LEAD, at + 1)) if (isStandIn(bytes, at)) return true
  return false
}
