import type pg from 'pg'
import { z } from 'zod'
import { identifier } from '../connection/connection.ts'
import { plannable } from '../check/plannable.ts'
import { query } from '../connection/query.ts'
import { hasRawBytes } from '../connection/raw-bytes.ts'
import type { PostgresDetails } from '../schema.ts'

/**
 * Large tables do not go through pg_dump: their rows are copied in lanes, several at once, by the driver in this
 * process. One process that reads one table after the other is what a dump spends most of its time on. A very large
 * table is cut by ranges of its blocks. Everything is read in the snapshot of the dump.
 */
export type Lane = PostgresDetails['lanes'][number]

/** A lane as it is captured. */
export interface LaneSource extends Lane {
  /** Blocks of the table's main file from (inclusive) and to (exclusive); the last part has no end. */
  readonly from: number
  readonly to: number | undefined
}

export interface LaneLimits {
  /** Tables of at least this many bytes get lanes. */
  readonly tableBytes: number
  /** A lane has about this many bytes, unless there would be more than `most` lanes. */
  readonly laneBytes: number
  readonly most: number
}

const MEBIBYTE = 1024 * 1024
export const LANE_LIMITS: LaneLimits = { tableBytes: 16 * MEBIBYTE, laneBytes: 64 * MEBIBYTE, most: 1000 }

const table = z.object({
  name: z.string(),
  schema: z.string(),
  relation: z.string(),
  blocks: z.coerce.number(),
  bytes: z.coerce.number(),
  columns: z.array(z.string()),
  /** The names in pg_type of the columns' types, or `enum`, or empty for types that are not built in. */
  types: z.array(z.string()),
  /** Whether a statement over it can be planned without running code of the database. */
  plannable: z.boolean(),
})
type Table = z.infer<typeof table>

/**
 * Types whose binary form holds nothing but the value: no oid of another object and nothing of this release, so that it
 * means the same on every server from 14 on. A server takes half as long to write it as to write text. Tables with any
 * other type go as text.
 */
const SCALAR_TYPES = [
  'bool char int2 int4 int8 float4 float8 numeric oid pg_lsn uuid bytea bit varbit bpchar text varchar name json jsonb',
  'date time timetz timestamp timestamptz interval inet cidr macaddr macaddr8',
  'int4range int8range numrange daterange tsrange tstzrange',
].flatMap((names) => names.split(' '))
/** An array's binary form has the oid of the type of its elements; those of built-in types never change. */
const BINARY_TYPES = new Set(['enum', ...SCALAR_TYPES, ...SCALAR_TYPES.map((name) => `_${name}`)])

/**
 * Ordinary tables and leaf partitions that belong to no extension. Generated columns are computed anew by a restore.
 * Bytes include what is stored out of line, so that a table of few large values counts as what it is.
 */
const TABLES = `
  select format('%I.%I', n.nspname, c.relname) as name, n.nspname as schema, c.relname as relation,
    pg_relation_size(c.oid) / current_setting('block_size')::int as blocks,
    pg_relation_size(c.oid) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) as bytes,
    coalesce(a.columns, '[]') as columns, coalesce(a.types, '[]') as types, ${plannable('c.oid')} as plannable
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  left join lateral (select jsonb_agg(a.attname order by a.attnum) as columns, jsonb_agg(case when t.typtype = 'e' then 'enum'
      when t.typnamespace = 'pg_catalog'::regnamespace then t.typname else '' end order by a.attnum) as types
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') a on true
  where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0 and d.deptype = 'e')
    and pg_relation_size(c.oid) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) >= $1
  order by 5 desc, 1`

/** The lanes of the database of this session, largest first. Those of `leftOut` get none. */
export async function planLanes(
  session: pg.ClientBase,
  limits = LANE_LIMITS,
  leftOut: readonly Pick<Lane, 'schema' | 'table'>[] = [],
): Promise<readonly LaneSource[]> {
  const tables = await query(session, table, TABLES, [limits.tableBytes])
  const without = new Set(leftOut.map(tableOf))
  // A table is left out of the dump by an argument, which has its name.
  const named = tables.filter(
    ({ name, columns, ...one }) =>
      columns.length > 0 && !hasRawBytes(name) && !without.has(tableOf({ ...one, table: one.relation })),
  )
  return cutIntoLanes(named, limits)
}

/** Pure: which lanes these tables get. */
export function cutIntoLanes(tables: readonly Table[], limits: LaneLimits): readonly LaneSource[] {
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0)
  const laneBytes = Math.max(limits.laneBytes, Math.ceil(total / Math.max(1, limits.most - tables.length)))
  return tables
    .flatMap((found) => partsOf(found, laneBytes))
    .map((lane, index) => ({ ...lane, role: `rows-${String(index + 1).padStart(4, '0')}` }))
}

function partsOf(
  { schema, relation, columns, types, blocks, bytes, ...found }: Table,
  laneBytes: number,
): Omit<LaneSource, 'role'>[] {
  // A part is read by a statement with a condition, which is planned.
  const parts = found.plannable ? Math.max(1, Math.min(Math.ceil(bytes / laneBytes), blocks)) : 1
  const edge = (part: number): number => Math.floor((blocks * part) / parts)
  return Array.from({ length: parts }, (_, part) => ({
    schema,
    table: relation,
    columns,
    format: types.every((type) => BINARY_TYPES.has(type)) ? 'binary' : 'text',
    from: edge(part),
    // The file may have grown since; the snapshot decides which of its rows are there.
    to: part === parts - 1 ? undefined : edge(part + 1),
  }))
}

/** `schema.table`, quoted as SQL. */
export function tableOf({ schema, table }: Pick<Lane, 'schema' | 'table'>): string {
  return `${identifier(schema)}.${identifier(table)}`
}

function columnsOf({ columns }: Pick<Lane, 'columns'>): string {
  return columns.map(identifier).join(', ')
}

/** In the database's own encoding: nothing is converted on the way out or back. */
function copyOptions({ format }: Pick<Lane, 'format'>, encoding: string, ...more: readonly string[]): string {
  return `with (${[`format ${format}`, `encoding '${encoding.replaceAll("'", "''")}'`, ...more].join(', ')})`
}

/** The statement that reads a lane. That of a whole table is not planned, and runs nothing of the database. */
export function copyOutOf(lane: LaneSource, encoding: string): string {
  const options = copyOptions(lane, encoding)
  if (lane.from === 0 && lane.to === undefined) return `copy ${tableOf(lane)} (${columnsOf(lane)}) to stdout ${options}`
  const end = lane.to === undefined ? '' : ` and ctid < '(${lane.to},0)'::tid`
  const range = ` where ctid >= '(${lane.from},0)'::tid${end}`
  return `copy (select ${columnsOf(lane)} from only ${tableOf(lane)}${range}) to stdout ${options}`
}

/** The statement that reads all rows of a table as text; without columns it gives them all, which are none then. */
export function copyRows(table: Pick<Lane, 'schema' | 'table' | 'columns'>, encoding: string): string {
  const columns = table.columns.length === 0 ? '' : ` (${columnsOf(table)})`
  return `copy ${tableOf(table)}${columns} to stdout ${copyOptions({ format: 'text' }, encoding)}`
}

/** The table that a lane's rows are loaded into, as `tableOf` names it. */
export function targetOf(lane: Lane): string {
  return tableOf(lane.into ?? lane)
}

/** The statement that writes a lane. With `freeze` the transaction must have emptied the table. */
export function copyIn(lane: Lane, encoding: string, ...options: readonly 'freeze'[]): string {
  return `copy ${targetOf(lane)} (${columnsOf(lane)}) from stdin ${copyOptions(lane, encoding, ...options)}`
}

/** Arguments that keep these tables' rows out of a dump; their definitions stay in it. Names are patterns, and quoted they mean themselves. */
export function withoutRows(tables: readonly Pick<Lane, 'schema' | 'table'>[]): readonly string[] {
  return [...new Set(tables.map(tableOf))].map((name) => `--exclude-table-data=${name}`)
}
