import { BACKSLASH, DOUBLE, NEWLINE, SINGLE, SLASH, STAR } from './characters.ts'

/** What the lexer is in the middle of; nothing in it ends a statement. `from` is where it begins. */
export type Enclosure =
  | { readonly kind: 'string'; readonly from: number; readonly escapes: boolean }
  | { readonly kind: 'identifier' | 'line'; readonly from: number }
  | { readonly kind: 'dollar'; readonly from: number; readonly tag: Buffer }
  | { readonly kind: 'comment'; readonly from: number; readonly depth: number }
type Dollar = Extract<Enclosure, { kind: 'dollar' }>
type Comment = Extract<Enclosure, { kind: 'comment' }>

export const enclosureNames: Readonly<Record<Enclosure['kind'], string>> = {
  string: 'a quoted string',
  identifier: 'a quoted name',
  dollar: 'a dollar-quoted string',
  comment: 'a comment',
  line: 'a comment line',
}

/** Where the enclosure ends (behind its last byte), or from where to look when there is more. */
export type Found = { readonly end: number } | { readonly lookAgain: number; readonly enclosure: Enclosure }

/** Looks for the end from `at`; `last` says that nothing follows these bytes. */
export function findEnd(bytes: Buffer, at: number, enclosure: Enclosure, last: boolean): Found {
  switch (enclosure.kind) {
    case 'string':
      return enclosure.escapes
        ? endOfEscapes(bytes, at, enclosure, last)
        : endOfQuotes(bytes, at, enclosure, SINGLE, last)
    case 'identifier':
      return endOfQuotes(bytes, at, enclosure, DOUBLE, last)
    case 'dollar':
      return endOfDollar(bytes, at, enclosure)
    case 'comment':
      return endOfComment(bytes, at, enclosure)
    case 'line':
      return endOfLine(bytes, at, enclosure, last)
  }
}

/** A doubled quote is one of the content, so what follows a quote must be known. */
function endOfQuotes(bytes: Buffer, at: number, enclosure: Enclosure, quote: number, last: boolean): Found {
  for (let next = at; ; next += 2) {
    next = bytes.indexOf(quote, next)
    if (next < 0) return { lookAgain: bytes.length, enclosure }
    if (next + 1 === bytes.length && !last) return { lookAgain: next, enclosure }
    if (bytes[next + 1] !== quote) return { end: next + 1 }
  }
}

function endOfEscapes(bytes: Buffer, at: number, enclosure: Enclosure, last: boolean): Found {
  let next = at
  while (next < bytes.length) {
    const byte = bytes[next]
    if (byte !== BACKSLASH && byte !== SINGLE) {
      next += 1
      continue
    }
    if (next + 1 === bytes.length) return byte === SINGLE && last ? { end: next + 1 } : { lookAgain: next, enclosure }
    if (byte === SINGLE && bytes[next + 1] !== SINGLE) return { end: next + 1 }
    next += 2
  }
  return { lookAgain: next, enclosure }
}

function endOfDollar(bytes: Buffer, at: number, enclosure: Dollar): Found {
  const { tag } = enclosure
  const found = bytes.indexOf(tag, at)
  if (found >= 0) return { end: found + tag.length }
  return { lookAgain: Math.max(at, bytes.length - tag.length + 1), enclosure }
}

/** Comments nest. */
function endOfComment(bytes: Buffer, at: number, enclosure: Comment): Found {
  let { depth } = enclosure
  let next = at
  for (; next + 1 < bytes.length; next += 1) {
    const [byte, after] = [bytes[next], bytes[next + 1]]
    if (byte === SLASH && after === STAR) depth += 1
    else if (byte === STAR && after === SLASH) depth -= 1
    else continue
    next += 1
    if (depth === 0) return { end: next + 1 }
  }
  return { lookAgain: Math.min(next, bytes.length), enclosure: { ...enclosure, depth } }
}

/** The line's end stays outside. */
function endOfLine(bytes: Buffer, at: number, enclosure: Enclosure, last: boolean): Found {
  const found = bytes.indexOf(NEWLINE, at)
  if (found >= 0) return { end: found }
  return last ? { end: bytes.length } : { lookAgain: bytes.length, enclosure }
}
