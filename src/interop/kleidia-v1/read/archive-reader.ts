import { Failure } from '../../../core/failure.ts'
import { JsonText, type JsonLimits } from '../format/json-text.ts'
import type { Token } from '../format/json-tokens.ts'

/** Where what is in the archive goes, as it is read. */
export interface ArchiveSink {
  /** The next piece of the database as SQL. */
  sql(text: string): void
  /** One secret: `json` is the text of its object, digit by digit as in the file. */
  secret(path: string, json: string): void
}

/** What the archive held. */
export interface ArchiveParts {
  /** JSON text of the inner header; undefined when there is none. */
  readonly header: string | undefined
  readonly hasSql: boolean
  readonly hasSecrets: boolean
  readonly secretCount: number
  /** Names of parts that the documentation does not know. They were read and are in no sink. */
  readonly unknown: readonly string[]
}

const HEADER: JsonLimits = { length: 65_536 }
/** OpenBao takes requests of 32 MiB at most. */
const SECRET: JsonLimits = { length: 32 * 2 ** 20 }
const UNKNOWN: JsonLimits = { length: Number.POSITIVE_INFINITY, forget: true }
const LONGEST_PATH = 4096
/** Of all paths together: they are kept to find one that occurs twice. */
const PATHS_LENGTH = 32 * 2 ** 20
const MOST_UNKNOWN = 100

type State =
  | { readonly at: 'start' | 'members' | 'sql?' | 'sql' | 'secrets?' | 'end' }
  | { readonly at: 'secrets' }
  | { readonly at: 'key'; readonly of: 'members' | 'secrets' }
  | { readonly at: 'header' | 'unknown'; readonly text: JsonText }
  | { readonly at: 'secret'; readonly path: string; readonly text: JsonText }

/**
 * Follows the tokens of the archive `{"header":{…},"database_sql":"…","vault_secrets":{"path":{…}}}`, whose members may
 * come in any order. Holds one secret at a time and nothing of the SQL.
 */
export class ArchiveReader {
  readonly #what: string
  readonly #sink: ArchiveSink
  readonly #members = new Set<string>()
  readonly #paths = new Set<string>()
  readonly #unknown: string[] = []
  #state: State = { at: 'start' }
  #key = ''
  #pathsLength = 0
  #header: string | undefined
  #hasSql = false
  #hasSecrets = false

  constructor(what: string, sink: ArchiveSink) {
    this.#what = what
    this.#sink = sink
  }

  /** What was in it. Only after all tokens. */
  finish(): ArchiveParts {
    if (this.#state.at !== 'end') throw this.#wrong('is not complete')
    return {
      header: this.#header,
      hasSql: this.#hasSql,
      hasSecrets: this.#hasSecrets,
      secretCount: this.#paths.size,
      unknown: this.#unknown,
    }
  }

  take(token: Token): void {
    const state = this.#state
    switch (state.at) {
      case 'start':
        return this.#expect(token, 'startObject', 'members')
      case 'members':
      case 'secrets':
        return this.#betweenMembers(token, state.at)
      case 'key':
        return this.#inKey(token, state.of)
      case 'sql?':
        return this.#beginSql(token)
      case 'sql':
        return this.#inSql(token)
      case 'secrets?':
        return this.#beginSecrets(token)
      case 'secret':
        return this.#inSecret(token, state.path, state.text)
      case 'header':
        if (state.text.take(token)) this.#endHeader(state.text)
        return
      case 'unknown':
        if (state.text.take(token)) this.#state = { at: 'members' }
        return
      case 'end':
        throw this.#wrong('goes on after its end')
    }
  }

  #expect(token: Token, name: Token['name'], next: 'members' | 'secrets'): void {
    if (token.name !== name) throw this.#wrong('is not a JSON object')
    this.#state = { at: next }
  }

  #betweenMembers(token: Token, of: 'members' | 'secrets'): void {
    if (token.name === 'endObject') this.#state = { at: of === 'members' ? 'end' : 'members' }
    else {
      // Between members the parser lets through nothing but a key or the end.
      this.#key = ''
      this.#state = { at: 'key', of }
    }
  }

  #inKey(token: Token, of: 'members' | 'secrets'): void {
    if (token.name === 'stringChunk') {
      this.#key += token.value
      if (this.#key.length > LONGEST_PATH) throw this.#wrong(`has a name of more than ${LONGEST_PATH} characters`)
    } else if (token.name === 'endKey') {
      if (of === 'members') this.#beginMember(this.#key)
      else this.#beginSecret(this.#key)
    }
  }

  #beginMember(name: string): void {
    if (this.#members.has(name)) throw this.#wrong(`has ${shown(name)} twice`)
    if (this.#members.size > MOST_UNKNOWN) throw this.#wrong(`has more than ${MOST_UNKNOWN} parts`)
    this.#members.add(name)
    if (name === 'database_sql') this.#state = { at: 'sql?' }
    else if (name === 'vault_secrets') this.#state = { at: 'secrets?' }
    else if (name === 'header') this.#state = { at: 'header', text: new JsonText(`header in ${this.#what}`, HEADER) }
    else {
      this.#unknown.push(name.slice(0, 64))
      this.#state = { at: 'unknown', text: new JsonText(this.#what, UNKNOWN) }
    }
  }

  #beginSql(token: Token): void {
    if (token.name === 'startString') this.#state = { at: 'sql' }
    else if (token.name === 'nullValue') this.#state = { at: 'members' }
    else throw this.#wrong('has a database_sql that is no text')
  }

  #inSql(token: Token): void {
    if (token.name === 'endString') this.#state = { at: 'members' }
    else if (token.name === 'stringChunk') {
      // Half of a surrogate pair has no bytes in UTF-8: it would silently become another character.
      if (!token.value.isWellFormed()) throw this.#wrong('has a character in database_sql that is none')
      this.#hasSql = true
      this.#sink.sql(token.value)
    }
  }

  #beginSecrets(token: Token): void {
    if (token.name === 'startObject') {
      this.#hasSecrets = true
      this.#state = { at: 'secrets' }
    } else if (token.name === 'nullValue') this.#state = { at: 'members' }
    else throw this.#wrong('has vault_secrets that are no object')
  }

  #beginSecret(path: string): void {
    if (this.#paths.has(path)) throw this.#wrong(`has the secret ${shown(path)} twice`)
    this.#paths.add(path)
    this.#pathsLength += path.length
    if (this.#pathsLength > PATHS_LENGTH) throw this.#wrong(`has paths of more than ${PATHS_LENGTH} characters`)
    this.#state = { at: 'secret', path, text: new JsonText(`secret ${shown(path)} in ${this.#what}`, SECRET) }
  }

  #inSecret(token: Token, path: string, text: JsonText): void {
    const isFirst = text.text === ''
    if (isFirst && token.name !== 'startObject') throw this.#wrong(`has the secret ${shown(path)}, which is no object`)
    if (!text.take(token)) return
    this.#sink.secret(path, text.text)
    this.#state = { at: 'secrets' }
  }

  #endHeader(text: JsonText): void {
    this.#header = text.text
    this.#state = { at: 'members' }
  }

  #wrong(what: string): Failure {
    return new Failure('corrupt', `${this.#what} ${what}`)
  }
}

/** A name from the file, in quotes and not without end. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 128 ? `${name.slice(0, 128)}…` : name)
}
