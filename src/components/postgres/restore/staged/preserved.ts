import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import { identifier } from '../../connection/connection.ts'
import { query } from '../../connection/query.ts'

/**
 * Preserved tables: their live rows, and the positions of the sequences that fill them, replace those of the restored
 * database before it becomes live.
 */

/** A table as it is copied. */
export interface PreservedTable {
  /** schema.table, quoted as SQL. */
  readonly name: string
  /** `table` or `only table`, so that rows of inheriting tables are not taken for its own. */
  readonly source: string
  readonly isPartitioned: boolean
  /** Columns that hold data, in name order, with their types. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly sequences: readonly string[]
}

const tableRow = z.object({
  name: z.string(),
  source: z.string(),
  isPartitioned: z.boolean(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  sequences: z.array(z.string()),
})

/** Sequences that a column owns (serial, identity) or that its default takes values from. */
const TABLE = `select format('%I.%I', n.nspname, c.relname) as name,
    case c.relkind when 'r' then 'only ' else '' end || format('%I.%I', n.nspname, c.relname) as source, c.relkind = 'p' as "isPartitioned",
    coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attname) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''), '[]') as columns,
    coalesce((select json_agg(distinct format('%I.%I', sn.nspname, s.relname)) from pg_class s join pg_namespace sn on sn.oid = s.relnamespace
      where s.relkind = 'S' and (
        exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = s.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.deptype in ('a', 'i'))
        or exists (select from pg_attrdef f join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
          where f.adrelid = c.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = s.oid))), '[]') as sequences
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1) and c.relkind in ('r', 'p')`

/** Fails with `refused` when there is no such table. `where` says in which database. */
export async function describeTable(client: pg.Client, table: string, where: string): Promise<PreservedTable> {
  const found = await findTable(client, table)
  if (found !== undefined) return found
  throw new Failure('refused', `preserved table ${table} is not in the ${where} database`, {
    hint: 'Write it as schema.table, quoted as in SQL, or take it out of preserve.',
  })
}

/** Undefined where there is no such table. */
export async function findTable(client: pg.ClientBase, table: string): Promise<PreservedTable | undefined> {
  return (await query(client, tableRow, TABLE, [table]))[0]
}

export function requireSame(live: PreservedTable, restored: PreservedTable): PreservedTable {
  const text = ({ columns }: PreservedTable): string =>
    columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ')
  if (text(live) === text(restored))
    return { ...restored, sequences: restored.sequences.filter((one) => live.sequences.includes(one)) }
  throw new Failure('refused', `preserved table ${live.name} has other columns live than in the restored database`, {
    facts: { live: text(live), restored: text(restored) },
  })
}

/** A table after those it refers to, since foreign keys are checked row by row. Circles keep the order they are in. */
export async function parentsFirst<One extends PreservedTable>(
  client: pg.Client,
  tables: readonly One[],
): Promise<One[]> {
  const edges = await query(client, z.object({ child: z.string(), parent: z.string() }), FOREIGN_KEYS)
  const left = [...tables]
  const ordered: One[] = []
  while (left.length > 0) {
    const free = left.findIndex(
      (table) =>
        !edges.some(
          ({ child, parent }) =>
            child === table.name && parent !== table.name && left.some(({ name }) => name === parent),
        ),
    )
    ordered.push(...left.splice(Math.max(free, 0), 1))
  }
  return ordered
}

const FOREIGN_KEYS = `select format('%I.%I', cn.nspname, c.relname) as child, format('%I.%I', pn.nspname, p.relname) as parent
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace cn on cn.oid = c.relnamespace
    join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace where k.contype = 'f'`

/** A user's trigger that would fire for copied rows, for example to write an audit row for each. Foreign keys are no user triggers. */
export async function firingTriggers(
  side: pg.Client,
  tables: readonly PreservedTable[],
): Promise<{ off: string; on: string }[]> {
  const sql = `select t.tgrelid::regclass::text as table, t.tgname as name, t.tgenabled = 'A' as always from pg_trigger t
    where not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgparentid = 0
      and exists (select from unnest($1::regclass[]) given(id) where t.tgrelid = given.id or t.tgrelid in (select relid from pg_partition_tree(given.id))) order by 1, 2`
  const rows = await query(side, z.object({ table: z.string(), name: z.string(), always: z.boolean() }), sql, [
    tables.map(({ name }) => name),
  ])
  return rows.map(({ table, name, always }) => ({
    off: `alter table ${table} disable trigger ${identifier(name)}`,
    on: `alter table ${table} enable ${always ? 'always ' : ''}trigger ${identifier(name)}`,
  }))
}
