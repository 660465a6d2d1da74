import { createHash } from 'node:crypto'
import type { TestPostgres } from '../parts/postgres.ts'

export interface Rows {
  readonly relation: string
  readonly rows: string
}

/**
 * What a user reads of every table and view, in no order; a partitioned table as one, and columns by name.
 * Tables that inherit come back with the columns of their parents first.
 */
export async function rowsOf(postgres: TestPostgres, database: string): Promise<readonly Rows[]> {
  const relations = await postgres.sql(
    database,
    `select format('%I.%I', n.nspname, c.relname) as name,
        (select coalesce(string_agg(quote_ident(attname), ', ' order by attname), '') from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg_toast%' order by 1`,
  )
  const all: Rows[] = []
  for (const { name, columns } of relations) {
    const text = `select row(${String(columns)})::text as line from ${String(name)} order by 1`
    all.push({ relation: String(name), rows: await read(postgres, database, text) })
  }
  return all
}

/** A view that cannot be read has to say the same afterwards. */
async function read(postgres: TestPostgres, database: string, text: string): Promise<string> {
  return postgres.sql(database, `set role none; set search_path = "$user", public; ${text}`).then(
    (rows) => `${rows.length} rows ${createHash('sha256').update(JSON.stringify(rows)).digest('hex')}`,
    (error: unknown) => `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
  )
}
