import { createHash } from 'node:crypto'
import type { TestPostgres } from '../parts/postgres.ts'

export interface Rows {
  readonly relation: string
  readonly rows: string
}

/** What a user reads of every table and view, in no order, in its database; a partitioned table as one. */
export async function rowsOf(postgres: TestPostgres, database: string): Promise<readonly Rows[]> {
  const relations = await postgres.sql(
    database,
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg_toast%' order by 1`,
  )
  const all: Rows[] = []
  for (const { name } of relations)
    all.push({ relation: String(name), rows: await readAs(postgres, database, String(name)) })
  return all
}

/** A view that cannot be read has to say the same afterwards. */
async function readAs(postgres: TestPostgres, database: string, relation: string): Promise<string> {
  const text = `set search_path = "$user", public; select t::text as line from ${relation} t order by 1`
  return postgres.sql(database, text).then(
    (rows) => `${rows.length} rows ${createHash('sha256').update(JSON.stringify(rows)).digest('hex')}`,
    (error: unknown) => `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
  )
}
