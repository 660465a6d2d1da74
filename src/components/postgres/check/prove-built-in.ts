import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { FIRST_OWN_OID, plannableTree } from './plannable.ts'
import { query, sqlFailure } from '../connection/query.ts'
import { sqlState } from '../restore/target/database-target.ts'

/** Said where a statement is not run: it is left to a place where nothing is lost by it. */
function leftToDrill(why: string): Failure {
  return new Failure('refused', `not read from the live database, as ${why}`, {
    hint: 'A drill looks at it, in a server of its own.',
  })
}

/**
 * Fails with `refused` unless PostgreSQL, asked to run `sql` in this transaction, would run nothing that is not built in. The
 * statement is only analysed: the server says what the names in it stand for, under the database's search path, and plans
 * nothing. What is not built in must be a table that a statement may be planned over.
 */
export async function proveBuiltIn(session: pg.ClientBase, sql: string): Promise<void> {
  const [trap] = await query(session, z.object({ name: z.string() }), DOMAIN_CHECKS)
  if (trap !== undefined) throw leftToDrill(`domain ${trap.name} checks its values with code of the database`)
  const { tables, others } = ownObjects(await analyse(session, sql))
  const unsafe = await query(session, z.object({ name: z.string() }), UNSAFE_TABLES, [tables])
  if (others.length > 0)
    throw leftToDrill('it uses functions or types of the database, which could run code of its owners')
  if (unsafe[0] !== undefined) throw leftToDrill(`${unsafe[0].name} has expressions that could run code of its owner`)
}

/** A literal of such a domain, or of a type that holds one, is checked when a statement is analysed. */
const DOMAIN_CHECKS = `select k.contypid::regtype::text as name from pg_constraint k join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid
  where k.contypid <> 0 and k.contype = 'c' and d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass) and d.refobjid >= ${FIRST_OWN_OID} order by 1 limit 1`

const UNSAFE_TABLES = `select c.oid::regclass::text as name from unnest($1::oid[]) own(id) join pg_class c on c.oid = own.id where not (c.relkind in ('r', 'p') and ${plannableTree('c.oid')}) limit 1`

/** What the server makes of a statement, as it prints it, for the session and for its log. */
async function analyse(session: pg.ClientBase, sql: string): Promise<string> {
  const trees: string[] = []
  const listen = ({ detail = '' }: { readonly detail?: string | undefined }): void =>
    void (detail.includes('{QUERY') && trees.push(detail))
  await session.query(`set local search_path to default; set local client_min_messages = log; ${PRINT}`)
  session.on('notice', listen)
  try {
    const analysis = new Analysis(sql)
    session.query(analysis)
    await analysis.done
  } catch (error) {
    if (sqlState(error) !== RESTRICTED) throw sqlFailure(error)
    throw leftToDrill('it reads a view or foreign table, which could run code of its owner')
  } finally {
    session.off('notice', listen)
  }
  await session.query(`set local debug_print_rewritten = off; set local search_path = ''`)
  if (trees.length === 0) throw leftToDrill('the server does not say what it would run')
  return trees.join('\n')
}

/** What a session that reads gets for a view. */
const RESTRICTED = '55000'
const PRINT = 'set local debug_pretty_print = off; set local debug_print_rewritten = on'

/** A statement for the driver that is analysed and not run. */
class Analysis {
  readonly #sql: string
  readonly #done = Promise.withResolvers<void>()

  constructor(sql: string) {
    this.#sql = sql
  }

  get done(): Promise<void> {
    return this.#done.promise
  }

  submit(connection: pg.Connection): void {
    connection.parse({ text: this.#sql, name: '', types: [] }, true)
    connection.sync()
  }

  handleError(error: unknown): void {
    this.#done.reject(error)
  }

  handleReadyForQuery(): void {
    this.#done.resolve()
  }
}

/** `:key number`, and lists of oids, `(o number …)`. */
const NUMBERS = /:(\w+)\s+(\d+)(?!\S)|\(o((?:\s+\d+)+)\)/g
const OF_TABLES = new Set(['relid', 'resorigtbl'])
const NO_OIDS = new Set(['location', 'stmt_location', 'stmt_len', 'queryId'])

/** Whatever in a printed tree may be the oid of something that is not built in. */
function ownObjects(tree: string): { readonly tables: readonly number[]; readonly others: readonly number[] } {
  const found = [...tree.matchAll(NUMBERS)].flatMap(([, key = '', number, list = '']) =>
    (number ?? list.trim()).split(/\s+/).map((text) => ({ key, oid: Number(text) })),
  )
  const own = found.filter(({ key, oid }) => oid >= FIRST_OWN_OID && !NO_OIDS.has(key))
  return {
    tables: own.filter(({ key }) => OF_TABLES.has(key)).map(({ oid }) => oid),
    others: own.filter(({ key }) => !OF_TABLES.has(key)).map(({ oid }) => oid),
  }
}
