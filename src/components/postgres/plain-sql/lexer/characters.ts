/** The bytes that the lexer of SQL looks at. Every encoding that a server can have keeps them for themselves. */
const TAB = 0x09
export const NEWLINE = 0x0a
export const RETURN = 0x0d
const SPACE = 0x20
export const DOUBLE = 0x22
export const DOLLAR = 0x24
export const SINGLE = 0x27
export const OPEN = 0x28
export const CLOSE = 0x29
export const STAR = 0x2a
export const MINUS = 0x2d
export const DOT = 0x2e
export const SLASH = 0x2f
export const SEMICOLON = 0x3b
export const BACKSLASH = 0x5c

export function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === NEWLINE || byte === TAB || byte === RETURN || byte === 0x0c || byte === 0x0b
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

/** What an unquoted name begins with. */
export function beginsWord(byte: number | undefined): boolean {
  if (byte === undefined) return false
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte >= 0x80
}

/** What it goes on with; a dollar sign is a part of a name, but not of the tag of a dollar quote. */
export function continuesTag(byte: number | undefined): boolean {
  return beginsWord(byte) || isDigit(byte)
}

export function continuesWord(byte: number | undefined): boolean {
  return continuesTag(byte) || byte === DOLLAR
}
