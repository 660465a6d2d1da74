import { parseCommand } from './lexer/commands.ts'
import { databaseNamed } from './database-statements.ts'
import type { Line, Piece, Statement } from './lexer/pieces.ts'
import { cutOff, refusedAt } from './lexer/refusals.ts'

const CLUSTER_BEGINS = '-- PostgreSQL database cluster dump'
const CLUSTER_ENDS = '-- PostgreSQL database cluster dump complete'
const DATABASE_BEGINS = '-- PostgreSQL database dump'
const DATABASE_ENDS = '-- PostgreSQL database dump complete'
/** Every object of a dump, and the rows of every table, has such a line before it; what `--clean` drops has not. */
const ENTRY_BEGINS = /^-- (?:Data for |Statistics for )?Name: |^-- TOC entry /
const VERSION = /^-- Dumped (?:from database|by pg_dump) version (\d+)/

/** Where a piece of a dump belongs: to all of a server, or to one database of it; null is one whose name is not said. */
export type Part = { readonly of: 'server' } | { readonly of: 'database'; readonly name: string | null }

/**
 * Follows the pieces of a dump by pg_dump or pg_dumpall and knows whose they are. Fails with the byte offset: `corrupt` where the
 * dump of a database, or of the server, lacks its last line; `refused` for what comes after it, and for lines that psql would take
 * for commands, other than those these programs write.
 */
export class DumpStructure {
  #kind: 'database' | 'cluster' | undefined
  #state: 'before' | 'within' | 'between' | 'ended' = 'before'
  #name: string | null = null
  #key: string | undefined
  #version = 0
  #prologue = true
  readonly #names: (string | null)[] = []

  /** To be called with every piece, in order. */
  accept(piece: Piece): void {
    if (piece.type === 'comment') this.#comment(piece)
    else if (piece.type === 'command') this.#command(piece)
    else if (piece.type === 'statement') this.#statement(piece)
  }

  /** To be called behind the last piece; `end` is where the text ends. */
  finish(end: number): void {
    if (this.#state !== 'ended') throw cutOff(end, `the text ends without the line "${this.#lastLine()}"`)
    if (this.#key !== undefined)
      throw cutOff(end, 'the text ends without the line \\unrestrict that belongs to its \\restrict')
  }

  get isCluster(): boolean {
    return this.#kind === 'cluster'
  }

  /** The databases whose dumps have begun. */
  get databases(): readonly (string | null)[] {
    return this.#names
  }

  /** The newest major version that the dump names: of its server or of the program that wrote it; 0 when it names none. */
  get major(): number {
    return this.#version
  }

  /** Before the first object of a database: settings, and with `--clean` what is dropped first. */
  get inPrologue(): boolean {
    return this.#prologue
  }

  get part(): Part {
    return this.#state === 'within' ? { of: 'database', name: this.#name } : { of: 'server' }
  }

  #comment({ line, offset, ended }: Line): void {
    // It may be the beginning of another line. What is said at the end of a dump is whole without a line break.
    if (!ended && line !== DATABASE_ENDS && line !== CLUSTER_ENDS) return
    this.#version = Math.max(this.#version, Number(VERSION.exec(line)?.[1] ?? 0))
    if (line === CLUSTER_BEGINS) this.#beginCluster(offset)
    else if (line === DATABASE_BEGINS) this.#beginDatabase(offset)
    else if (line === DATABASE_ENDS) this.#endDatabase(offset)
    else if (line === CLUSTER_ENDS) this.#endCluster(offset)
    else if (ENTRY_BEGINS.test(line)) this.#prologue = false
  }

  #beginCluster(offset: number): void {
    if (this.#kind !== undefined) throw refusedAt(offset, 'a second dump begins')
    this.#kind = 'cluster'
    this.#state = 'between'
  }

  #beginDatabase(offset: number): void {
    if (this.#state === 'within') throw cutOff(offset, 'another dump begins before the last line of the one before it')
    if (this.#state === 'ended') throw refusedAt(offset, 'a second dump begins')
    this.#kind ??= 'database'
    this.#state = 'within'
    this.#prologue = true
    this.#names.push(this.#name)
  }

  #endDatabase(offset: number): void {
    if (this.#state !== 'within') throw refusedAt(offset, 'the last line of a dump of which there is no first line')
    this.#state = this.isCluster ? 'between' : 'ended'
    this.#name = null
  }

  #endCluster(offset: number): void {
    if (this.#state === 'within') throw cutOff(offset, `the dump of a database lacks its line "${DATABASE_ENDS}"`)
    if (this.#state !== 'between') throw refusedAt(offset, 'the last line of a dump of which there is no first line')
    this.#state = 'ended'
  }

  #statement(statement: Statement): void {
    const { offset } = statement
    if (this.#state === 'before')
      throw refusedAt(offset, `a statement before the line "${DATABASE_BEGINS}"`, NOT_A_DUMP)
    if (this.#state === 'ended') throw refusedAt(offset, 'a statement after the last line of the dump')
    if (this.#state === 'between' && statement.copies) throw refusedAt(offset, 'rows outside of the dump of a database')
    if (beginsObjects(statement)) this.#prologue = false
    const created = databaseNamed(statement, 'create')
    if (created !== undefined && this.#state === 'within') this.#enter(created, offset)
  }

  #command({ line, offset, ended }: Line): void {
    const command = parseCommand(line)
    if (!ended && !(command?.type === 'unrestrict' && command.key === this.#key))
      throw cutOff(offset, 'the text ends within a line that begins with a backslash')
    if (command === undefined)
      throw refusedAt(offset, `a line that psql would take for the command ${JSON.stringify(line.slice(0, 60))}`)
    if (command.type === 'restrict' && this.#key === undefined) this.#key = command.key
    else if (command.type === 'unrestrict' && this.#key === command.key) this.#key = undefined
    else if (command.type === 'connect') this.#connect(command.database, offset)
    else if (command.type !== 'encoding') throw refusedAt(offset, `${line.split(' ')[0]} without its counterpart`)
  }

  #connect(database: string, offset: number): void {
    if (this.#state === 'within') this.#enter(database, offset)
    else if (this.#state === 'between') this.#name = database
    else throw refusedAt(offset, '\\connect outside of a dump')
  }

  /** A dump is of one database, whose name comes once or not at all. */
  #enter(name: string, offset: number): void {
    if (this.#name !== null && this.#name !== name)
      throw refusedAt(
        offset,
        `database ${JSON.stringify(name)} within the dump of database ${JSON.stringify(this.#name)}`,
      )
    this.#name = name
    this.#names[this.#names.length - 1] = name
  }

  #lastLine(): string {
    return this.#kind === 'cluster' && this.#state !== 'within' ? CLUSTER_ENDS : DATABASE_ENDS
  }
}

/** Also where somebody took the comment lines out. `--clean` begins with nothing of the kind, but it replaces views. */
function beginsObjects({ words: [first = '', second], copies }: Statement): boolean {
  return copies || ['insert', 'comment', 'grant'].includes(first) || (first === 'create' && second !== 'or')
}

const NOT_A_DUMP = 'Only what pg_dump and pg_dumpall write can be imported, not other SQL.'
