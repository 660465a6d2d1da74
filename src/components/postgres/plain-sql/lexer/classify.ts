/** What a statement is, from its bare words. */

/** Whether rows follow the statement in the text. */
export function copiesFromInput(words: readonly string[]): boolean {
  const from = words.indexOf('from')
  return words[0] === 'copy' && from > 0 && words[from + 1] === 'stdin' && !words.includes('to')
}

const SETS_ENCODING = /^set\s+(?:session\s+)?client_encoding\s*(?:=|to)\s*'?(\w+)'?\s*;$/i

/** What the statement makes of `client_encoding`. */
export function encodingAfter(text: Buffer, words: readonly string[], before: string): string {
  if (words[0] !== 'set' || text.length > 200) return before
  return SETS_ENCODING.exec(text.toString('latin1'))?.[1] ?? before
}

const TURNS_STRINGS = /^set\s+(?:session\s+)?standard_conforming_strings\s*(?:=|to)\s*'?(on|off|true|false)'?\s*;$/i

/** What the statement makes of `standard_conforming_strings`: whether a backslash in '…' is an ordinary character. */
export function standardStringsAfter(text: Buffer, words: readonly string[], before: boolean): boolean {
  if (words[0] !== 'set' || text.length > 200) return before
  const [, value] = TURNS_STRINGS.exec(text.toString('latin1')) ?? []
  return value === undefined ? before : ['on', 'true'].includes(value.toLowerCase())
}
