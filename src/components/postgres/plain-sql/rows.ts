import { BACKSLASH, DOT, NEWLINE, RETURN } from './lexer/characters.ts'

const END_LINE = Buffer.from([NEWLINE, BACKSLASH, DOT])

/** What the bytes of a COPY block hold from `at` on. */
export interface FoundRows {
  /** Rows go as far as here. */
  readonly rows: number
  /** Behind the line `\.`, if it is there. */
  readonly end: number | undefined
  /** A line begins with `\.` and goes on. */
  readonly odd: boolean
}

/**
 * Looks for the line `\.`; within rows a backslash is always doubled, so no row looks like it. Without it, what is left behind
 * `rows` could still become one.
 */
export function findRows(bytes: Buffer, at: number, lineBegins: boolean, last: boolean): FoundRows {
  const rows = findEndLine(bytes, at, lineBegins)
  if (rows === undefined)
    return { rows: last ? bytes.length : heldBack(bytes, at, lineBegins), end: undefined, odd: false }
  const after = rows + 2
  if (bytes[after] === NEWLINE) return { rows, end: after + 1, odd: false }
  if (bytes[after] === RETURN && bytes[after + 1] === NEWLINE) return { rows, end: after + 2, odd: false }
  const unknown = after === bytes.length || (bytes[after] === RETURN && after + 1 === bytes.length)
  if (!unknown) return { rows, end: undefined, odd: true }
  return last ? { rows, end: bytes.length, odd: false } : { rows, end: undefined, odd: false }
}

function findEndLine(bytes: Buffer, at: number, lineBegins: boolean): number | undefined {
  if (lineBegins && bytes[at] === BACKSLASH && bytes[at + 1] === DOT) return at
  const found = bytes.indexOf(END_LINE, at)
  return found < 0 ? undefined : found + 1
}

/** The last bytes may be the beginning of the end line. */
function heldBack(bytes: Buffer, at: number, lineBegins: boolean): number {
  const { length } = bytes
  if (lineBegins && length - at === 1 && bytes[at] === BACKSLASH) return at
  if (length - at >= 2 && bytes[length - 2] === NEWLINE && bytes[length - 1] === BACKSLASH) return length - 1
  return length
}
