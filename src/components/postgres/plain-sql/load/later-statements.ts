import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../../core/ports.ts'
import { withSession } from '../../connection/connection.ts'
import type { Server } from '../../connection/connection.ts'
import { query, queryOne } from '../../connection/query.ts'
import type { Statement } from '../lexer/pieces.ts'
import { runSingle } from './raw-statement.ts'

interface Later {
  readonly statement: Statement
  readonly settings: z.infer<typeof settings>
}

const settings = z.object({ encoding: z.string(), strings: z.string(), path: z.string() })
const SETTINGS = `select pg_catalog.current_setting('client_encoding') as encoding,
  pg_catalog.current_setting('standard_conforming_strings') as strings, pg_catalog.current_setting('search_path') as path`
const SETTLE = `select pg_catalog.set_config('client_encoding', $1, false), pg_catalog.set_config('standard_conforming_strings', $2, false),
  pg_catalog.set_config('search_path', $3, false)`

/**
 * Comments and rights on what every database has: the role that loads owns none of it. A superuser runs them when all else was
 * loaded, so that no statement of the dump can use a right on a dangerous function.
 */
export class LaterStatements {
  readonly #all: Later[] = []

  /** Whether the statement runs nothing and changes no content, so that it may wait. */
  static mayWait({ words }: Statement): boolean {
    const [first, second] = words
    if (first === 'grant' || first === 'revoke') return words.includes('on')
    if (first === 'comment') return second === 'on'
    if (first !== 'alter' || !words.includes('owner')) return false
    return words.includes('language') || (second === 'schema' && words[2] === 'public')
  }

  async add(statement: Statement, session: pg.Client): Promise<void> {
    const copy = { ...statement, text: Buffer.from(statement.text) }
    this.#all.push({ statement: copy, settings: await queryOne(session, settings, SETTINGS) })
  }

  /** Runs them in a session of the superuser, each as the one statement that it is. */
  async run(superuser: Server, database: string, context: Context, failed: Fail): Promise<void> {
    if (this.#all.length === 0) return
    await withSession(superuser, database, context, async (admin) => {
      for (const later of this.#all) await runLater(admin, later, failed)
    })
  }
}

type Fail = (statement: Statement, error: unknown) => Error

async function runLater(admin: pg.Client, { statement, settings }: Later, failed: Fail): Promise<void> {
  await query(admin, z.unknown(), SETTLE, [settings.encoding, settings.strings, settings.path])
  await runSingle(admin, statement.text).catch((error: unknown) => {
    throw failed(statement, error)
  })
}
