import type { Row } from './evidence-source.ts'
import type { Literal, Value } from './schema.ts'

/** What was found where a value should be. */
export type Found = { readonly bytes: Buffer } | { readonly bytes?: undefined; readonly why: 'absent' | 'damaged' }

const ABSENT: Found = { why: 'absent' }
const DAMAGED: Found = { why: 'damaged' }

/** A value of a row, decoded. Null, empty text and a path that leads nowhere are absent. */
export function valueIn(row: Row, { column, path, decode }: Value): Found {
  const text = row[column]
  if (text === null || text === undefined || text === '') return ABSENT
  const inside = path === undefined ? text : inJson(text, path)
  if (inside === undefined) return ABSENT
  let bytes: Buffer | undefined = Buffer.from(inside)
  for (const from of decode) bytes = bytes && decoded(bytes, from)
  if (bytes === undefined) return DAMAGED
  return bytes.length === 0 ? ABSENT : { bytes }
}

function inJson(text: string, path: readonly string[]): string | undefined {
  let here = parsedJson(text)
  for (const key of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined
    here = Reflect.get(here, key)
  }
  if (here === undefined || here === null) return undefined
  return typeof here === 'string' ? here : JSON.stringify(here)
}

export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const ALPHABETS = {
  hex: /^(?:[0-9a-fA-F]{2})*$/,
  bytea: /^\\x(?:[0-9a-fA-F]{2})*$/,
  base64: /^[A-Za-z0-9+/]*={0,2}$/,
  base64url: /^[A-Za-z0-9_-]*={0,2}$/,
} as const

/** Undefined for bytes that are no text of this form: decoders of the platform skip what they do not know. */
export function decoded(bytes: Buffer, from: keyof typeof ALPHABETS): Buffer | undefined {
  const text = bytes.toString('latin1')
  if (!ALPHABETS[from].test(text)) return undefined
  if (from === 'bytea') return Buffer.from(text.slice(2), 'hex')
  return Buffer.from(text, from)
}

export function literalBytes(literal: Literal | undefined): Buffer {
  if (literal === undefined) return Buffer.alloc(0)
  return 'text' in literal ? Buffer.from(literal.text) : Buffer.from(literal.hex, 'hex')
}
