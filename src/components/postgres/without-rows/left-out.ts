import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { ofExtension } from '../check/check-catalog.ts'
import { query } from '../connection/query.ts'
import { hasRawBytes } from '../connection/raw-bytes.ts'
import type { PostgresSettings } from '../schema.ts'
import { parseTableName, type TableName } from '../table-name.ts'
import { referrersOf } from './referrers.ts'

/** The tables of `withoutRows` as a database has them. Their definitions are captured, their rows are not. */

const part = z.object({
  oid: z.string(),
  schema: z.string(),
  table: z.string(),
  name: z.string(),
  kind: z.string(),
  bytes: z.coerce.number(),
  /** What the server last counted; -1 if it never did. */
  rows: z.coerce.number(),
})
const found = z.object({ name: z.string(), kind: z.string(), extension: z.boolean(), parts: z.array(part) })

/** One of these tables. Of a partitioned table `parts` are all its partitions and it itself. */
export interface LeftOutTable {
  /** schema.table, quoted as SQL, as a fingerprint has it. */
  readonly name: string
  readonly parts: readonly z.infer<typeof part>[]
}

/** Why a name of `withoutRows` cannot be left out. */
export interface Unfit {
  readonly table: string
  readonly message: string
  readonly hint: string
  /** There is no such table: a backup goes on, as there is nothing that it would lose. */
  readonly isAbsent: boolean
}

export interface LeftOut {
  readonly tables: readonly LeftOutTable[]
  readonly unfit: readonly Unfit[]
}

const PARTS = `select l.oid::text as oid, ln.nspname as schema, l.relname as table, quote_ident(ln.nspname) || '.' || quote_ident(l.relname) as name,
    l.relkind as kind, pg_total_relation_size(l.oid)::text as bytes, l.reltuples::text as rows
  from (select c.oid as relid union select relid from pg_partition_tree(c.oid)) tree
    join pg_class l on l.oid = tree.relid join pg_namespace ln on ln.oid = l.relnamespace`
const TABLE = `select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, c.relkind as kind, ${ofExtension('pg_class', 'c.oid')} as extension,
    (select json_agg(p) from (${PARTS}) p) as parts
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2 and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relpersistence <> 't'`

/** Reads what the settings name. Runs in the transaction that the session is in, and fails no statement of it. */
export async function readLeftOut(
  session: pg.ClientBase,
  { withoutRows }: Pick<PostgresSettings, 'withoutRows'>,
): Promise<LeftOut> {
  const tables: LeftOutTable[] = []
  const unfit: Unfit[] = []
  for (const text of withoutRows) {
    const one = await readOne(session, text)
    if ('isAbsent' in one) unfit.push(one)
    else if (!tables.some(({ name }) => name === one.name)) tables.push(one)
  }
  return { tables, unfit: [...unfit, ...(await referred(session, tables))] }
}

/** Fails with `refused` where rows cannot be left out; what is not there is left to `check`. */
export async function requireLeftOut(
  session: pg.ClientBase,
  settings: Pick<PostgresSettings, 'withoutRows'>,
): Promise<readonly LeftOutTable[]> {
  const { tables, unfit } = await readLeftOut(session, settings)
  const first = unfit.find(({ isAbsent }) => !isAbsent)
  if (first === undefined) return tables
  throw new Failure('refused', `${first.table} of withoutRows ${first.message}`, { hint: first.hint })
}

/** The tables that have rows themselves: ordinary ones and partitions. Rows of foreign ones are on other servers. */
export function withOwnRows(tables: readonly LeftOutTable[]): readonly (TableName & { readonly name: string })[] {
  return tables.flatMap(({ parts }) => parts.filter(({ kind }) => kind === 'r'))
}

async function readOne(session: pg.ClientBase, text: string): Promise<LeftOutTable | Unfit> {
  const parsed = parseTableName(text)
  const [one] = parsed === undefined ? [] : await query(session, found, TABLE, [parsed.schema, parsed.table])
  if (one === undefined) return { table: text, isAbsent: true, message: 'does not exist', hint: NAME_IT }
  const wrong = wrongWith(one)
  return wrong === undefined ? one : { table: one.name, isAbsent: false, ...wrong }
}

const NAME_IT = 'Name it as schema.table, with quotes where SQL needs them, or take it out of withoutRows.'

function wrongWith({ kind, extension, parts }: z.infer<typeof found>): Pick<Unfit, 'message' | 'hint'> | undefined {
  const hint = 'Take it out of withoutRows.'
  if (kind !== 'r' && kind !== 'p') return { message: `is ${KINDS[kind] ?? 'no table'} and no table`, hint }
  if (extension) return { message: 'belongs to an extension, which says what of it is captured', hint }
  if (parts.some(({ name }) => hasRawBytes(name)))
    return { message: 'has bytes in its name that pg_dump cannot be told', hint }
  return undefined
}

const KINDS: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  i: 'an index',
  I: 'an index',
  c: 'a type',
}

async function referred(session: pg.ClientBase, tables: readonly LeftOutTable[]): Promise<readonly Unfit[]> {
  const names = new Map(tables.flatMap(({ name, parts }) => parts.map(({ oid }) => [oid, name] as const)))
  const keys = await referrersOf(session, [...names.keys()])
  const lines = keys.map(({ child, constraint, parent }) => ({ child, constraint, table: names.get(parent) ?? parent }))
  const distinct = [...new Map(lines.map((one) => [`${one.table} ${one.child}`, one])).values()]
  return distinct.map(({ table, child, constraint }) => ({
    table,
    isAbsent: false,
    message: `is referred to by ${child} (foreign key ${constraint}), whose rows are captured: a restore would have rows that refer to nothing`,
    hint: `Add ${child} to withoutRows too, or take ${table} out of it.`,
  }))
}
