import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { Server } from '../connection/connection.ts'
import { streamTool } from '../tools/tool-run.ts'
import type { ToolLimits } from '../tools/tool-run.ts'
import type { Tools } from '../tools/tools.ts'

/** An object of a database and the SHA-256 of the SQL that makes it. */
export interface Definition {
  /** For example `INDEX public users_email_idx`. */
  readonly name: string
  readonly definition: string
  /** The SQL itself, where it was asked for. */
  readonly text?: string
}

export interface DefinitionSource {
  readonly tools: Tools
  readonly server: Server
  readonly database: string
  readonly limits: ToolLimits
  /** An exported snapshot to read in. */
  readonly snapshot?: string
  /** The objects whose text is kept, not only its hash. */
  readonly texts?: ReadonlySet<string> | undefined
}

/**
 * Options under which pg_dump words the same objects in the same way, whoever reads and wherever it is restored.
 */
export const DUMP_OPTIONS: readonly string[] = ['--quote-all-identifiers']

/**
 * Every object that pg_dump would restore, by name. Equal definitions from the same major of pg_dump mean equal
 * objects, with owners, grants and comments. Memory grows with the number of objects, not with their text.
 */
export async function readDefinitions(source: DefinitionSource, context: Context): Promise<Definition[]> {
  const { tools, server, database, limits, snapshot, texts } = source
  const args = ['--schema-only', ...DUMP_OPTIONS, ...(snapshot === undefined ? [] : [`--snapshot=${snapshot}`])]
  const text = streamTool({ tools, program: 'pg_dump', args, server, database, limits }, context)
  return splitDefinitions(text, { texts })
}

export interface SplitOptions extends Pick<DefinitionSource, 'texts'> {
  /** May word the last statement of an object otherwise, when that says who owns it. */
  readonly ending?: (statement: string) => string
}

/** The objects in the text of a schema dump. Bytes are compared as they are, whatever the database's encoding. */
export async function splitDefinitions(text: Bytes, options: SplitOptions = {}): Promise<Definition[]> {
  const split = new Splitter(options)
  let rest = ''
  for await (const chunk of text) {
    const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) split.line(line)
  }
  split.line(rest)
  return split.end()
}

/** With what the statement begins that gives an object its owner. It comes last. */
const OWNER = /^ALTER [A-Z]/
/** The second line of the three-line comment that pg_dump writes before each object. */
const HEADER = /^-- Name: (.*); Type: ([A-Z ]+); Schema: (.*?); Owner: /
/** Depends on the version, the moment or the order of objects, not on the object. */
const INCIDENTAL =
  /^(?:\\(?:un)?restrict [A-Za-z0-9]+|-- PostgreSQL database dump complete|SET default_(?:tablespace|table_access_method) = .*;)$/

class Splitter {
  readonly #found: Definition[] = []
  readonly #seen = new Map<string, number>()
  #name: string | undefined
  #hash: Hash = createHash('sha256')
  /** The lines of a CREATE TABLE that has not ended yet. */
  #table: string[] | undefined
  /** Blank lines and comment borders: part of the object only if more of it follows. */
  #held = ''
  /** The lines of what may be its last statement. */
  #last: string[] | undefined
  readonly #ending: (statement: string) => string
  readonly #texts: ReadonlySet<string>
  #text: string[] | undefined

  constructor({ ending = (statement) => statement, texts = new Set() }: SplitOptions) {
    this.#ending = ending
    this.#texts = texts
  }

  line(line: string): void {
    const header = HEADER.exec(line)
    if (header !== null) return this.#begin(header)
    if (this.#name === undefined || INCIDENTAL.test(line)) return
    if (this.#table === undefined && !line.startsWith('CREATE TABLE ')) return this.#add(line)
    this.#table ??= []
    this.#table.push(line)
    if (line.startsWith('INHERITS (') || line.endsWith(';')) this.#addTable()
  }

  #add(line: string): void {
    if (OWNER.test(line)) this.#addLast([line])
    else if (this.#last === undefined) this.#update(line)
    else this.#last.push(line)
  }

  #update(line: string): void {
    this.#held += `${line}\n`
    if (line === '' || line === '--') return
    this.#hash.update(this.#held, 'latin1')
    this.#text?.push(this.#held)
    this.#held = ''
  }

  /** Those that were taken for the last statement are none, if another begins. */
  #addLast(next?: string[]): void {
    const lines = this.#last ?? []
    this.#last = next
    for (const line of lines) this.#update(line)
  }

  #addEnding(): void {
    if (this.#last !== undefined) this.#last = this.#ending(this.#last.join('\n')).split('\n')
    this.#addLast()
  }

  /**
   * Columns of a table that inherits are taken in any order: those that a parent got later stand last, and before the
   * table's own when it is made anew from the dump.
   */
  #addTable(): void {
    const lines = this.#table ?? []
    this.#table = undefined
    const inherits = lines.at(-1)?.startsWith('INHERITS (') === true
    for (const line of inherits ? lines.map((one) => one.replace(/,$/, '')).sort() : lines) this.#add(line)
  }

  #finish(): void {
    this.#addTable()
    this.#addEnding()
    if (this.#name === undefined) return
    const text = this.#text === undefined ? {} : { text: Buffer.from(this.#text.join(''), 'latin1').toString('utf8') }
    this.#found.push({ name: this.#name, definition: this.#hash.digest('hex'), ...text })
  }

  end(): Definition[] {
    this.#finish()
    this.#name = undefined
    return this.#found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  #begin([, name = '', type = '', schema = '']: readonly string[]): void {
    this.#finish()
    const plain = Buffer.from([type, ...(schema === '-' ? [] : [schema]), name].join(' '), 'latin1').toString('utf8')
    const count = (this.#seen.get(plain) ?? 0) + 1
    this.#seen.set(plain, count)
    this.#name = count === 1 ? plain : `${plain} (${count})`
    this.#hash = createHash('sha256')
    this.#text = this.#texts.has(this.#name) ? [] : undefined
    this.#held = ''
  }
}
