import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { z } from 'zod'
import { describe, Failure, isFailure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { identifier, withSession } from '../connection.ts'
import type { Server } from '../connection.ts'
import { query, sqlFailure } from '../query.ts'
import { sqlState } from '../target-place.ts'
import { ownerGiven } from './database-statements.ts'
import type { Piece, Rows, Statement } from './pieces.ts'
import { treat } from './policy.ts'
import { copyRaw, runRaw } from './raw-statement.ts'
import { EVERYONE } from './roles.ts'
import type { DumpRoles } from './roles.ts'
import { split } from './split.ts'
import { DumpStructure } from './structure.ts'

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
  /** Statements that were left out. */
  readonly skipped: number
}

/**
 * Runs the statements of one database's dump, and its roles, one after the other as they are read, each as the bytes that are there. No
 * psql: nothing in the dump is taken for a command. The caller has read the outline of the same text before.
 */
export async function loadDump(text: Bytes, target: LoadTarget, context: Context): Promise<Loaded> {
  return withSession(target.loader, target.database, context, async (session) => {
    // The session is the dump's, which sets what it needs.
    await session.query('reset all')
    return new Loading(session, target, context).run(split(text))
  })
}

class Loading {
  readonly #session: pg.Client
  readonly #target: LoadTarget
  readonly #context: Context
  readonly #structure = new DumpStructure()
  #owner: string | undefined
  #skipped = 0

  constructor(session: pg.Client, target: LoadTarget, context: Context) {
    this.#session = session
    this.#target = target
    this.#context = context
  }

  async run(pieces: AsyncGenerator<Piece>): Promise<Loaded> {
    try {
      for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
        this.#context.signal.throwIfAborted()
        this.#structure.accept(next.value)
        if (next.value.type === 'statement') await this.#take(next.value, pieces)
      }
      return { owner: this.#owner, skipped: this.#skipped }
    } finally {
      await pieces.return(undefined)
    }
  }

  async #take(statement: Statement, pieces: AsyncGenerator<Piece>): Promise<void> {
    const { part } = this.#structure
    if (part.of === 'server') return void (await this.#target.roles.take(statement))
    // Before its CREATE DATABASE or \connect a part has no name yet, and only settings.
    if (part.name !== this.#target.part && (part.name !== null || statement.words[0] !== 'set')) return
    const treatment = treat(statement)
    if (treatment === 'role') await this.#target.roles.take(statement)
    else if (treatment === 'owner') this.#owner = ownerGiven(statement)
    else if (treatment === 'skip') this.#skipped += 1
    else if (statement.copies) await this.#copy(statement, pieces)
    else await this.#execute(statement)
  }

  /** A role or right that is missing is supplied, and the statement run again; it had no effect then. */
  async #execute(statement: Statement, attempts = 20): Promise<void> {
    try {
      await runRaw(this.#session, statement.text)
    } catch (error) {
      if (isUnknownLimit(error, statement)) return
      if (attempts === 0 || !(await this.#remedy(error, statement))) throw failureAt(statement, error)
      await this.#execute(statement, attempts - 1)
    }
  }

  async #remedy(error: unknown, { words }: Statement): Promise<boolean> {
    const [, role] = /^role "(.*)" does not exist$/s.exec(describe(error)) ?? []
    if (sqlState(error) === '42704' && role !== undefined) {
      await this.#target.roles.ensure(role)
      return true
    }
    return sqlState(error) === '42501' && words.at(-2) !== undefined && words.includes('owner') && this.#openSchemas()
  }

  /** Whether a schema was opened that was not before: who is given a table in it must be allowed to create tables there. */
  async #openSchemas(): Promise<boolean> {
    const { superuser, database } = this.#target
    return withSession(superuser, database, this.#context, async (admin) => {
      const closed = await query(admin, z.object({ name: z.string() }), CLOSED_SCHEMAS)
      for (const { name } of closed)
        await query(admin, z.unknown(), `grant create on schema ${identifier(name)} to ${EVERYONE}`)
      return closed.length > 0
    })
  }

  /** Rows go to the server as they are read; the generator ends with the block and leaves the pieces behind it alone. */
  async #copy(statement: Statement, pieces: AsyncGenerator<Piece>): Promise<void> {
    try {
      const rows = Readable.from(rowsOf(pieces), { objectMode: false })
      await pipeline(rows, copyRaw(this.#session, statement.text), { signal: this.#context.signal })
    } catch (error) {
      throw failureAt(statement, error)
    }
  }
}

/** Tools of 17 and newer always begin with `SET transaction_timeout = 0`; a server that has no such limit sets none. */
function isUnknownLimit(error: unknown, { words }: Statement): boolean {
  return sqlState(error) === '42704' && words[0] === 'set' && words[1] === 'transaction_timeout'
}

const CLOSED_SCHEMAS = `select nspname::text as name from pg_namespace
  where nspname !~ '^pg_' and nspname <> 'information_schema' and not has_schema_privilege('${EVERYONE}', oid, 'create')`

async function* rowsOf(pieces: AsyncGenerator<Piece>): AsyncGenerator<Buffer> {
  for (let next = await pieces.next(); next.done !== true && isRows(next.value); next = await pieces.next())
    yield next.value.rows
}

function isRows(piece: Piece): piece is Rows {
  return piece.type === 'rows'
}

function failureAt({ offset, words }: Statement, error: unknown): Failure {
  if (isFailure(error, 'corrupt') || isFailure(error, 'cancelled')) return error
  if (error instanceof Error && error.name === 'AbortError')
    return new Failure('cancelled', 'cancelled', { cause: error })
  const failure = sqlFailure(error)
  const what = words.slice(0, 2).join(' ').toUpperCase()
  return new Failure(
    failure.kind,
    `byte ${offset}: PostgreSQL did not take the ${what} statement: ${describe(error)}`,
    {
      cause: error,
      facts: { ...failure.facts, byteOffset: offset },
      hint:
        failure.kind === 'denied'
          ? NEEDS_TRUST
          : 'The dump does not restore. Make it again, or repair the statement there.',
    },
  )
}

const NEEDS_TRUST =
  'Only a superuser may do that. If you trust whoever made the dump as you trust yourself, import it with --trust-dump, which loads it as one.'
