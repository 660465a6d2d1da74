import type pg from 'pg'
import { z } from 'zod'
import { describe } from '../../../core/failure.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { query } from '../connection/query.ts'

/** In the order in which they were made, so that a view comes behind those that it reads. */
const VIEWS = `select format('%I.%I', n.nspname, c.relname) as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'm' order by c.oid`
/** Whoever waits for another server waits in vain. */
const LIMIT = 10_000

/** Which materialized views a restore could not fill. They have no rows to be filled with here, and no other server is asked. */
export async function tryViews(session: pg.ClientBase): Promise<Finding[]> {
  const found: Finding[] = []
  await session.query(`set statement_timeout = ${LIMIT}; set row_security = on; ${NO_FOREIGN_TABLES}`)
  for (const { name } of await query(session, z.object({ name: z.string() }), VIEWS)) {
    const error = await session.query(`refresh materialized view ${name}`).then(
      () => undefined,
      (cause: unknown) => describe(cause),
    )
    if (error !== undefined) found.push(unfilled(name, error))
  }
  return found
}

/** Reading one fails at once, and nobody is contacted; since the fixed minors of August 2024. */
const NO_FOREIGN_TABLES = `select set_config(name, 'foreign-table', false) from pg_catalog.pg_settings where name = 'restrict_nonsystem_relation_kind'`

function unfilled(name: string, error: string): Finding {
  return {
    level: 'warning',
    subject: `MATERIALIZED VIEW ${name}`,
    message: `cannot be filled by a restore, which has no search path and asks no other server: ${error}`,
    hint: 'A restore leaves it without rows and says so, unless the search path of the database helps. Give its functions a search path of their own (SET search_path), and its owner the rights to read what it reads.',
  }
}
