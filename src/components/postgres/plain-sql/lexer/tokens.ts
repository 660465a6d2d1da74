import { Failure } from '../../../../core/failure.ts'

/** A token of a short statement about roles or databases. Bare words are in lower case, names and strings without their quotes. */
export interface Token {
  readonly kind: 'word' | 'name' | 'string' | 'symbol'
  readonly text: string
}

const PATTERN =
  /\s+|--[^\n]*|(e?)'((?:[^'\\]|\\.|'')*)'|([a-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d+(?:\.\d+)?)|"((?:[^"]|"")*)"|([^\s])/giy
const LONGEST = 100_000

/** The tokens of a statement without dollar quotes and block comments, up to its semicolon. */
export function tokensOf(text: string): readonly Token[] {
  if (text.length > LONGEST) throw new Failure('refused', 'a statement about a role or a database is too long')
  return [...text.matchAll(PATTERN)].flatMap((match): Token[] => tokenOf(match))
}

function tokenOf([, escape, string, word, name, symbol]: RegExpMatchArray): Token[] {
  if (word !== undefined) return [{ kind: 'word', text: word.toLowerCase() }]
  if (name !== undefined) return [{ kind: 'name', text: name.replaceAll('""', '"') }]
  if (string !== undefined) return [{ kind: 'string', text: unquote(string, escape !== '') }]
  return symbol === undefined || symbol === ';' ? [] : [{ kind: 'symbol', text: symbol }]
}

function unquote(text: string, escapes: boolean): string {
  const plain = text.replaceAll("''", "'")
  return escapes ? plain.replace(/\\(.)/gs, '$1') : plain
}

/** Reads tokens one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** Takes these words if they come next. */
  skip(...words: readonly string[]): boolean {
    const next = this.#tokens.slice(this.#at, this.#at + words.length)
    const are =
      next.length === words.length && next.every(({ kind, text }, index) => isPlain(kind) && text === words[index])
    if (are) this.#at += words.length
    return are
  }

  next(): Token | undefined {
    return this.#tokens[this.#at++]
  }

  /** A name, quoted or not. */
  name(): string | undefined {
    const token = this.#tokens[this.#at]
    if (token === undefined || (token.kind !== 'word' && token.kind !== 'name')) return undefined
    this.#at += 1
    return token.text
  }

  get ended(): boolean {
    return this.#at >= this.#tokens.length
  }
}

function isPlain(kind: Token['kind']): boolean {
  return kind === 'word' || kind === 'symbol'
}
