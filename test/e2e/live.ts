import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Lab } from './lab.ts'

/** Everything that an operator would miss, as text that two moments can be compared by. */
export interface Live {
  readonly database: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, string>>
  /** Databases on the server that are not the app's: what a restore left beside shows up here. */
  readonly otherDatabases: readonly string[]
}

/** Reads the live database and files of the lab. */
export async function readLive(lab: Lab): Promise<Live> {
  return {
    database: await readDatabase(lab, 'portal'),
    files: await readFiles(lab.files),
    otherDatabases: await otherDatabases(lab),
  }
}

/** The rows, sequences, definitions and rights of a database, read without any code of Holdfast. */
export async function readDatabase(lab: Lab, database: string): Promise<Readonly<Record<string, string>>> {
  const tables = await lab.postgres.sql(
    database,
    "select tablename as name from pg_tables where schemaname = 'public' order by 1",
  )
  const content: Record<string, string> = {}
  for (const { name } of tables) {
    const [row] = await lab.postgres.sql(
      database,
      `select count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' order by t::text)), '') as sum from public."${String(name)}" t`,
    )
    content[`table ${String(name)}`] = String(row?.['sum'])
  }
  return { ...content, ...(await readDefinitions(lab, database)) }
}

async function readDefinitions(lab: Lab, database: string): Promise<Record<string, string>> {
  const queries = {
    sequences:
      "select string_agg(sequencename || ' ' || coalesce(last_value::text, '-'), ', ' order by 1) as it from (select * from pg_sequences order by sequencename) s",
    indexes: "select string_agg(indexdef, E'\\n' order by indexname) as it from pg_indexes where schemaname = 'public'",
    views:
      "select string_agg(viewname || definition, E'\\n' order by viewname) as it from pg_views where schemaname = 'public'",
    grants:
      "select string_agg(relname || ' ' || coalesce(relacl::text, ''), ', ' order by relname) as it from pg_class where relnamespace = 'public'::regnamespace",
    objects: "select string_agg(md5(lo_get(oid)), ',' order by oid) as it from pg_largeobject_metadata",
  }
  const content: Record<string, string> = {}
  for (const [name, query] of Object.entries(queries))
    content[name] = String((await lab.postgres.sql(database, query))[0]?.['it'])
  return content
}

/** Kind, mode, owner and content of everything in a folder. */
export async function readFiles(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const { mode, uid, gid } = await lstat(path)
    const content = entry.isSymbolicLink()
      ? await readlink(path)
      : entry.isFile()
        ? createHash('sha256')
            .update(await readFile(path))
            .digest('hex')
        : ''
    entries[relative(folder, path)] = `${mode.toString(8)} ${uid}:${gid} ${content}`
  }
  return Object.fromEntries(Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

async function otherDatabases(lab: Lab): Promise<readonly string[]> {
  const rows = await lab.postgres.sql(
    'postgres',
    "select datname as name from pg_database where datname not in ('postgres', 'portal') and not datistemplate order by 1",
  )
  return rows.map(({ name }) => String(name))
}
