import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { describe } from '../../../../core/failure.ts'
import type { Bytes, Context } from '../../../../core/ports.ts'
import { withSession } from '../../connection/connection.ts'
import type { Server } from '../../connection/connection.ts'
import { sqlState } from '../../restore/target/database-target.ts'
import { ownerGiven } from '../database-statements.ts'
import { LaterStatements } from './later-statements.ts'
import { LoadedRows } from './loaded-rows.ts'
import type { DumpedRows } from './loaded-rows.ts'
import { errorInUtf8 } from './error-in-utf8.ts'
import { failureAt } from './load-failure.ts'
import { openSchemas } from './open-schemas.ts'
import type { Piece, Rows, Statement } from '../lexer/pieces.ts'
import { classifyStatement } from '../policy.ts'
import { copyRaw, runRaw } from './raw-statement.ts'
import { refusedAt } from '../lexer/refusals.ts'
import type { DumpRoles } from '../roles.ts'
import { RowCounter } from './row-counter.ts'
import { sessionRoleOf } from './session-role.ts'
import { split } from '../lexer/split.ts'
import { DumpStructure } from '../structure.ts'

/** Where one database of a dump is loaded. */
export interface LoadTarget {
  /** As the role that loads, and as the superuser. */
  readonly loader: Server
  readonly superuser: Server
  readonly database: string
  readonly roles: DumpRoles
  /** What the dump calls the database; null when it does not say. */
  readonly part: string | null
}

export interface Loaded {
  /** Whom the dump names as the owner of the database. */
  readonly owner: string | undefined
  readonly dumped: DumpedRows
}

/**
 * Runs the statements of one database's dump, and its roles, one after the other as they are read, each as the bytes that are there. No
 * psql: nothing in the dump is taken for a command. The caller has read the outline of the same text before. Fails unless the session
 * ends outside of a transaction.
 */
export async function loadDump(text: Bytes, target: LoadTarget, context: Context): Promise<Loaded> {
  const later = new LaterStatements()
  const loaded = await withSession(target.loader, target.database, context, async (session) => {
    // The session is the dump's, which sets what it needs.
    await session.query('reset all')
    return new Loading(session, target, later, context).run(split(text))
  })
  await later.run(target.superuser, target.database, context, failureAt)
  return loaded
}

class Loading {
  readonly #session: pg.Client
  readonly #target: LoadTarget
  readonly #later: LaterStatements
  readonly #context: Context
  readonly #structure = new DumpStructure()
  readonly #dumped: LoadedRows
  #owner: string | undefined
  /** What made the session another role, if something did. */
  #role: Buffer | undefined
  #isWithheld = false

  constructor(session: pg.Client, target: LoadTarget, later: LaterStatements, context: Context) {
    this.#session = session
    this.#target = target
    this.#later = later
    this.#context = context
    this.#dumped = new LoadedRows(session)
    // The server only warns of a right that is not the role's to give.
    session.on('notice', ({ code }) => (this.#isWithheld ||= code === '01006' || code === '01007'))
  }

  async run(pieces: AsyncGenerator<Piece>): Promise<Loaded> {
    let last = 0
    try {
      for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
        this.#context.signal.throwIfAborted()
        this.#structure.accept(next.value)
        last = next.value.offset
        if (next.value.type === 'statement') await this.#take(next.value, pieces)
        else if (next.value.type === 'comment' && this.#isOurs()) this.#dumped.noteLine(next.value)
      }
    } finally {
      await pieces.return(undefined)
    }
    if (this.#session.getTransactionStatus() !== 'I')
      throw refusedAt(last, 'the dump begins a transaction that it does not end', OPEN)
    return { owner: this.#owner, dumped: this.#dumped }
  }

  #isOurs(): boolean {
    const { part } = this.#structure
    return part.of === 'database' && part.name === this.#target.part
  }

  async #take(statement: Statement, pieces: AsyncGenerator<Piece>): Promise<void> {
    const { part } = this.#structure
    if (part.of === 'server') return void (await this.#target.roles.take(statement))
    // Before its CREATE DATABASE or \connect a part has no name yet, and only settings.
    if (!this.#isOurs() && (part.name !== null || statement.words[0] !== 'set')) return
    const treatment = classifyStatement(statement, this.#structure.inPrologue)
    if (treatment === 'role') await this.#target.roles.take(statement)
    else if (treatment === 'owner') this.#owner = ownerGiven(statement)
    else if (treatment === 'authorization') await this.#setRole(statement)
    else if (treatment === 'run') await (statement.copies ? this.#copy(statement, pieces) : this.#execute(statement))
  }

  /** What the session is told is remembered as if it were the statement. */
  async #setRole(statement: Statement): Promise<void> {
    const { role, sql } = sessionRoleOf(statement)
    if (role !== undefined) await this.#target.roles.ensure(role)
    await this.#execute({ ...statement, text: sql })
    this.#role = role === undefined ? undefined : sql
  }

  /** A role or right that is missing is supplied, and the statement run again; it had no effect then. */
  async #execute(statement: Statement, attempts = 20): Promise<void> {
    this.#isWithheld = false
    try {
      const { tag } = await runRaw(this.#session, statement.text)
      await this.#dumped.noteStatement(statement, tag)
      if (this.#isWithheld && LaterStatements.mayWait(statement)) await this.#later.add(statement, this.#session)
    } catch (error) {
      if (isThere(error, statement)) return
      if (sqlState(error) === '42501' && LaterStatements.mayWait(statement))
        return this.#later.add(statement, this.#session)
      if (attempts > 0 && (await this.#remedy(error, statement))) return this.#execute(statement, attempts - 1)
      if (!this.#mayBeOurs(error, statement)) throw failureAt(statement, error)
      await this.#executeAsLoader(statement)
    }
  }

  /** Who was a superuser where the dump was made could alter what it did not own, and refer to it. */
  #mayBeOurs(error: unknown, { words }: Statement): boolean {
    return this.#role !== undefined && sqlState(error) === '42501' && words[0] === 'alter'
  }

  /** As the role that loads, which may do what any role of the dump may. What is altered keeps its owner. */
  async #executeAsLoader(statement: Statement): Promise<void> {
    const role = this.#role
    this.#role = undefined
    await runRaw(this.#session, Buffer.from('reset role'))
    await this.#execute(statement)
    if (role !== undefined) await runRaw(this.#session, role)
    this.#role = role
  }

  async #remedy(error: unknown, statement: Statement): Promise<boolean> {
    const role = missingRole(error)
    if (role !== undefined) {
      await this.#target.roles.ensure(missingRole(await errorInUtf8(this.#session, statement)) ?? role)
      return true
    }
    const mayNeedSchema = this.#role !== undefined || statement.words.includes('owner')
    return mayNeedSchema && sqlState(error) === '42501' && (await openSchemas(this.#target, this.#context))
  }

  /** Rows go to the server as they are read; the generator ends with the block and leaves the pieces behind it alone. */
  async #copy(statement: Statement, pieces: AsyncGenerator<Piece>): Promise<void> {
    const counter = new RowCounter()
    const copy = copyRaw(this.#session, statement.text)
    try {
      const rows = Readable.from(rowsOf(pieces, counter), { objectMode: false })
      await pipeline(rows, copy, { signal: this.#context.signal })
    } catch (error) {
      throw failureAt(statement, error)
    }
    await this.#dumped.noteCopy(statement, counter.rows, copy.rowCount)
  }
}

function missingRole(error: unknown): string | undefined {
  return sqlState(error) === '42704' ? /^role "(.*)" does not exist$/s.exec(describe(error))?.[1] : undefined
}

const OPEN = 'Nothing of it would stay. Look for BEGIN without COMMIT: somebody edited the dump.'

/** What every server has, and what older ones do not know: tools of 17 and newer always begin with `SET transaction_timeout = 0`. */
function isThere(error: unknown, { words, text }: Statement): boolean {
  const state = sqlState(error)
  if (words[0] === 'set') return state === '42704' && words[1] === 'transaction_timeout'
  if (words[0] !== 'create') return false
  if (state === '42P06') return /^create\s+schema\s+public\s*;$/i.test(text.toString('latin1'))
  return (
    state === '42710' &&
    (words[1] === 'language' || words[2] === 'language' || words[1] === 'extension') &&
    words.includes('plpgsql')
  )
}

async function* rowsOf(pieces: AsyncGenerator<Piece>, counter: RowCounter): AsyncGenerator<Buffer> {
  for (let next = await pieces.next(); next.done !== true && isRows(next.value); next = await pieces.next()) {
    counter.add(next.value.rows)
    yield next.value.rows
  }
}

function isRows(piece: Piece): piece is Rows {
  return piece.type === 'rows'
}
