import { Failure } from '../../../core/failure.ts'
import type { Token } from './json-tokens.ts'

/** Deeper nesting than any secret has; without a limit a few bytes could make a reader of the result overflow. */
const DEEPEST = 64

export interface JsonLimits {
  /** Length of the text, in UTF-16 units. */
  readonly length: number
  /** When only the well-formedness of a value is of interest. */
  readonly forget?: boolean
}

/**
 * One JSON value put together again from its tokens: numbers digit by digit, keys in their order, without the spaces in
 * between. Fails with `corrupt` for a key that occurs twice in one object, because two readers could take different ones.
 */
export class JsonText {
  readonly #what: string
  readonly #limits: JsonLimits
  readonly #open: (Set<string> | undefined)[] = []
  #text = ''
  #length = 0
  #key = ''
  #needsComma = false
  #inKey = false

  constructor(what: string, limits: JsonLimits) {
    this.#what = what
    this.#limits = limits
  }

  get text(): string {
    return this.#text
  }

  /** Takes the next token; true when it was the last of the value. */
  take(token: Token): boolean {
    return 'value' in token ? this.#content(token) : this.#edge(token.name)
  }

  #edge(name: Exclude<Token, { value: unknown }>['name']): boolean {
    switch (name) {
      case 'startObject':
        return this.#begin('{', new Set())
      case 'startArray':
        return this.#begin('[', undefined)
      case 'endObject':
        return this.#end('}')
      case 'endArray':
        return this.#end(']')
      case 'startKey':
        return this.#beginKey()
      case 'endKey':
        return this.#endKey()
      case 'startString':
        return this.#more(`${this.#comma()}"`)
      case 'endString':
        return this.#end('"', false)
      case 'startNumber':
        return this.#more(this.#comma())
      case 'endNumber':
        return this.#valueEnds()
    }
  }

  #content(token: Extract<Token, { value: unknown }>): boolean {
    switch (token.name) {
      case 'stringChunk':
        return this.#chunk(token.value)
      case 'numberChunk':
        return this.#more(token.value)
      case 'nullValue':
      case 'trueValue':
      case 'falseValue':
        this.#more(`${this.#comma()}${String(token.value)}`)
        return this.#valueEnds()
      case 'keyValue':
      case 'stringValue':
      case 'numberValue':
      case 'whitespace':
        throw new Failure('bug', `unexpected token ${token.name}`)
    }
  }

  #begin(bracket: string, keys: Set<string> | undefined): boolean {
    if (this.#open.length === DEEPEST) throw new Failure('corrupt', `${this.#what} is nested more than ${DEEPEST} deep`)
    this.#more(`${this.#comma()}${bracket}`)
    this.#open.push(keys)
    this.#needsComma = false
    return false
  }

  #end(mark: string, closes = true): boolean {
    if (closes) this.#open.pop()
    this.#more(mark)
    return this.#valueEnds()
  }

  #beginKey(): boolean {
    this.#key = ''
    this.#inKey = true
    return false
  }

  #endKey(): boolean {
    const key = this.#key
    const keys = this.#open.at(-1)
    // The key is not named: in secrets it may be one.
    if (keys?.has(key) === true) throw new Failure('corrupt', `${this.#what} has a key twice`)
    keys?.add(key)
    this.#more(`${this.#comma()}${JSON.stringify(key)}:`)
    this.#needsComma = false
    this.#inKey = false
    return false
  }

  #chunk(value: string): boolean {
    if (!this.#inKey) return this.#more(JSON.stringify(value).slice(1, -1))
    this.#key += value
    return this.#grow(value.length)
  }

  #comma(): string {
    const comma = this.#needsComma ? ',' : ''
    this.#needsComma = false
    return comma
  }

  #valueEnds(): boolean {
    this.#needsComma = true
    return this.#open.length === 0
  }

  /** What does not end a value. */
  #more(text: string): boolean {
    if (this.#limits.forget !== true) this.#text += text
    return this.#grow(text.length)
  }

  #grow(length: number): boolean {
    this.#length += length
    if (this.#length > this.#limits.length)
      throw new Failure('corrupt', `${this.#what} is longer than ${this.#limits.length} characters`)
    return false
  }
}
