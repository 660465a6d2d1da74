/**
 * JSON without loss: a number whose text would change on its way through a double (9007199254740993, 1.0, 1E21) stays
 * that text. KV version 1 keeps the text of numbers, so the text is the value. Key order and duplicates are not kept:
 * the server sorts keys and has no duplicates.
 */

/** What V8 has and the types of this language level do not: numbers with their source text. */
interface RawJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): unknown
  isRawJSON(value: unknown): value is { readonly rawJSON: string }
}
// Node 24 has the functions of the proposal "JSON.parse source text access"; the types come with a later library.
const raw = JSON as unknown as RawJson

/**
 * Where a number begins whose text a double may change: it has a dot, an exponent, 16 digits or more, or is -0. All of
 * these match. A string that has the look of one matches, too, which costs time and nothing else.
 */
const CHANGING_NUMBER = /(?:^|"\s*:|[[,])\s*(?:-0|-?(?:\d{16}|\d+[.eE]))/

export function parseJson(text: string): unknown {
  // The slow way calls back for every value, the fast one is what V8 does best; nearly every answer has plain numbers only.
  return CHANGING_NUMBER.test(text) ? parseWithTexts(text) : JSON.parse(text)
}

function parseWithTexts(text: string): unknown {
  return raw.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? raw.rawJSON(source) : value,
  )
}

/** A canonical text: keys sorted, numbers by their text. Equal texts are equal values. */
export function canonical(value: unknown): string {
  return canonicalWith(value, (number) => number)
}

/** Like `canonical`, with numbers as doubles: what KV version 2 makes of them. */
export function canonicalAsDoubles(value: unknown): string {
  return canonicalWith(value, (number) => String(Number(number)))
}

function canonicalWith(value: unknown, numberText: (text: string) => string): string {
  if (raw.isRawJSON(value)) return numberText(value.rawJSON)
  if (typeof value === 'number') return numberText(String(value))
  if (Array.isArray(value)) return `[${value.map((item) => canonicalWith(item, numberText)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonicalWith(item, numberText)}`).join(',')}}`
}

/** How many strings a value has; the names of members are strings, too. */
export function stringsIn(value: unknown): number {
  if (typeof value === 'string') return 1
  if (typeof value !== 'object' || value === null || raw.isRawJSON(value)) return 0
  const inside: readonly unknown[] = Object.values(value)
  const names = Array.isArray(value) ? 0 : inside.length
  return inside.reduce((sum: number, one) => sum + stringsIn(one), names)
}
