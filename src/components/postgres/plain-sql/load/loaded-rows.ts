import type pg from 'pg'
import { Failure } from '../../../../core/failure.ts'
import type { Line, Statement } from '../lexer/pieces.ts'
import { settingOf } from '../policy.ts'
import { runRaw } from './raw-statement.ts'
import { refusedAt } from '../lexer/refusals.ts'

/** What the text of a dump holds of the rows of one database, as it was loaded. */
export interface DumpedRows {
  /** By the number of the relation that a COPY or INSERT names. */
  readonly rows: ReadonlyMap<string, number>
  /** All COPY statements, sorted, as latin1. */
  readonly copies: readonly string[]
  /** `schema\0name`, as latin1 in the encoding of the dump, of tables and sequences whose content begins there. */
  readonly tables: ReadonlySet<string>
  readonly sequences: ReadonlySet<string>
  /** The numbers of large objects whose content was written. */
  readonly largeObjects: ReadonlySet<string>
  /** It was made with the policies of tables in force. Text alone says so. */
  readonly rowSecurity: boolean
}

const NAME = String.raw`(?:"(?:[^"]|"")*"|[^\s"(.;]+)`
const TARGET = new RegExp(String.raw`^(?:copy|insert\s+into)\s+(${NAME}(?:\s*\.\s*${NAME})*)`, 'i')
const LONGEST_TARGET = 2000
/** Line breaks in names are blanks there. */
const SECTION = /^-- (?:Data for )?Name: (.*); Type: (TABLE DATA|SEQUENCE SET); Schema: (.*); Owner: /
const OPENED = /lo_open\s*\(\s*'?(\d+)/

/** Takes note of the rows that a session loads; whether they stayed is for another session to see. */
export class LoadedRows implements DumpedRows {
  readonly #session: pg.Client
  readonly #rows = new Map<string, number>()
  readonly #copies: string[] = []
  readonly tables = new Set<string>()
  readonly sequences = new Set<string>()
  readonly largeObjects = new Set<string>()
  rowSecurity = false
  #last: { readonly target: string; readonly relation: string } | undefined

  constructor(session: pg.Client) {
    this.#session = session
  }

  get rows(): ReadonlyMap<string, number> {
    return this.#rows
  }

  get copies(): readonly string[] {
    return this.#copies.toSorted()
  }

  noteLine({ bytes }: Line): void {
    const [, name, type, schema] = SECTION.exec(bytes) ?? []
    if (name === undefined || schema === undefined) return
    const into = type === 'TABLE DATA' ? this.tables : this.sequences
    into.add(`${schema}\0${name}`)
  }

  /** To be called when the COPY was taken; `counted` are the rows in the text. */
  async noteCopy(statement: Statement, counted: number, taken: number): Promise<void> {
    const text = statement.text.toString('latin1')
    const isPlain = statement.words.at(-1) === 'stdin' && !text.includes('on_error')
    if (isPlain ? counted !== taken : /on_error|\bwhere\b/i.test(text))
      throw refusedAt(statement.offset, `a COPY that takes ${taken} of ${counted} rows`)
    this.#copies.push(text.trim())
    await this.#add(text, taken)
  }

  /** To be called with every other statement when it has run. */
  async noteStatement(statement: Statement, tag: string): Promise<void> {
    const { words, text } = statement
    const [first, second, third] = words
    const setting = settingOf(statement)
    this.rowSecurity ||= setting?.name === 'row_security' && setting.value === 'on'
    const [, inserted] = /^INSERT \d+ (\d+)$/.exec(tag) ?? []
    if (first === 'insert' && inserted !== undefined)
      return this.#add(text.toString('latin1', 0, LONGEST_TARGET), Number(inserted))
    // Names may mean something else from here on.
    if (first === 'set' || first === 'reset' || first === 'select') this.#last = undefined
    if (second !== 'lo_open' && third !== 'lo_open') return
    const [, number] = OPENED.exec(text.toString('latin1')) ?? []
    if (number !== undefined) this.largeObjects.add(number)
  }

  async #add(statement: string, rows: number): Promise<void> {
    const [, target] = TARGET.exec(statement) ?? []
    if (target === undefined) throw new Failure('bug', 'a statement that loads rows names no table')
    const relation = this.#last?.target === target ? this.#last.relation : await this.#find(target)
    this.#last = { target, relation }
    this.#rows.set(relation, (this.#rows.get(relation) ?? 0) + rows)
  }

  /** The session itself says which table it was: it alone knows its search path and encoding. */
  async #find(target: string): Promise<string> {
    const sql = `select $holdfast$${target}$holdfast$::pg_catalog.regclass::pg_catalog.oid`
    const { value } = await runRaw(this.#session, Buffer.from(sql, 'latin1'))
    if (value === null) throw new Failure('bug', 'a table into which rows were loaded has no number')
    return value
  }
}
