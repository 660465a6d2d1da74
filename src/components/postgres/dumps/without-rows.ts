import type pg from 'pg'
import { z } from 'zod'
import type { DumpedRows } from '../plain-sql/load/loaded-rows.ts'
import { query, queryOne } from '../connection/query.ts'

const relation = z.object({ oid: z.string(), root: z.string(), name: z.string(), key: z.string() })
type Relation = z.infer<typeof relation>

/** A name as the lines of a dump have it: in its encoding, line breaks as blanks. */
const inDump = (name: string): string =>
  `pg_catalog.encode(pg_catalog.convert_to(pg_catalog.translate(${name}::text, E'\\n\\r', '  '), $1), 'hex')`
const OWN = `c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`
const relations = (kind: 'r' | 'S'): string =>
  `select c.oid::text, coalesce(pg_partition_root(c.oid)::oid, c.oid)::text as root, pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
    ${inDump('n.nspname')} || '00' || ${inDump('c.relname')} as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = '${kind}' and ${OWN} order by name`

/** Tables of which the dump has no rows, not even none; as sentences. */
export async function tablesWithoutRows(
  session: pg.Client,
  encoding: string,
  dumped: DumpedRows,
): Promise<readonly string[]> {
  const lacking: string[] = []
  for (const table of await query(session, relation, relations('r'), [encoding])) {
    if (isIn(dumped.tables, table) || dumped.rows.has(table.oid) || isLoadedByRoot(dumped, table)) continue
    const { filled } = await queryOne(
      session,
      z.object({ filled: z.boolean() }),
      `select exists (select from only ${table.name}) as filled`,
    )
    if (!filled) lacking.push(table.name)
  }
  return sentence('rows of tables', lacking)
}

/** Rows may be loaded into the topmost table. They are of which partition only its heading says, and so one without a heading has none. */
function isLoadedByRoot({ tables, rows }: DumpedRows, { root }: Relation): boolean {
  return tables.size === 0 && rows.has(root)
}

const GUARDED = `select pg_catalog.format('%I.%I', n.nspname, c.relname) as name from pg_class c
  join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and c.relrowsecurity order by 1`

/** Tables of which the dump has those rows only that policies showed to whoever made it. */
export async function tablesSeenThroughPolicies(
  session: pg.Client,
  { rowSecurity }: DumpedRows,
): Promise<readonly string[]> {
  if (!rowSecurity) return []
  const guarded = await query(session, z.object({ name: z.string() }), GUARDED)
  return sentence(
    'rows that policies hid from the role that made it (--enable-row-security), if any, of tables',
    guarded.map(({ name }) => name),
  )
}

/** Sequences whose value the dump does not set. */
export async function unsetSequences(
  session: pg.Client,
  encoding: string,
  dumped: DumpedRows,
): Promise<readonly string[]> {
  const lacking: string[] = []
  for (const sequence of await query(session, relation, relations('S'), [encoding])) {
    if (isIn(dumped.sequences, sequence)) continue
    const { isCalled } = await queryOne(
      session,
      z.object({ isCalled: z.boolean() }),
      `select is_called as "isCalled" from ${sequence.name}`,
    )
    if (!isCalled) lacking.push(sequence.name)
  }
  return sentence('values of sequences', lacking)
}

const EMPTY = `select m.oid::text as number from pg_largeobject_metadata m
  where not exists (select from pg_largeobject l where l.loid = m.oid) order by m.oid`

/** Large objects that the dump makes and does not write. */
export async function emptyLargeObjects(session: pg.Client, { largeObjects }: DumpedRows): Promise<readonly string[]> {
  const empty = await query(session, z.object({ number: z.string() }), EMPTY)
  return sentence(
    'content of large objects',
    empty.flatMap(({ number }) => (largeObjects.has(number) ? [] : [number])),
  )
}

const UNFILLED = `select pg_catalog.format('%I.%I', n.nspname, c.relname) as name from pg_class c
  join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'm' and not c.relispopulated order by 1`

/** Materialized views that the dump leaves without rows. */
export async function unfilledViews(session: pg.Client): Promise<readonly string[]> {
  const views = await query(session, z.object({ name: z.string() }), UNFILLED)
  return sentence(
    'rows of materialized views, which may have been none',
    views.map(({ name }) => name),
  )
}

function isIn(sections: ReadonlySet<string>, { key }: Relation): boolean {
  return sections.has(Buffer.from(key, 'hex').toString('latin1'))
}

function sentence(what: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${what}, left out of the dump: ${names.join(', ')}`]
}
