import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Bytes, Context } from '../../../../core/ports.ts'
import { identifier, literal } from '../../connection/connection.ts'
import { copyOut } from '../../capture/copy-out.ts'
import { query, queryOne } from '../../connection/query.ts'
import { attempt, change } from '../target/database-target.ts'
import { inTransaction } from '../target/target-transaction.ts'

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
  /** Columns that hold data, in name order, with their types. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly sequences: readonly string[]
}

/**
 * Replaces the rows of `tables` in `side` by those in `live`, in one transaction. The live database must be locked for
 * writers. Fails with `refused` when a table is missing or other, or the restored rows around it do not fit (foreign
 * keys are checked as in any session); then nothing was changed.
 */
export async function copyPreserved(
  live: pg.Client,
  side: pg.Client,
  tables: readonly string[],
  limit: number,
  context: Context,
): Promise<void> {
  await attempt('begin reading preserved tables', () => live.query('begin isolation level repeatable read read only'))
  try {
    const found: PreservedTable[] = []
    for (const table of tables)
      found.push(requireSame(await describeTable(live, table, 'live'), await describeTable(side, table, 'restored')))
    const ordered = await parentsFirst(side, found)
    await inTransaction(side, 'preserved tables', context, () => replaceRows(live, side, ordered, limit, context))
  } finally {
    // Without effect when the session is gone, and then there is nothing to end.
    await live.query('rollback').catch(() => {})
  }
}

async function replaceRows(
  live: pg.Client,
  side: pg.Client,
  tables: readonly PreservedTable[],
  limit: number,
  context: Context,
): Promise<void> {
  await attempt('set transaction read write', () => side.query('set transaction read write'))
  const triggers = await firingTriggers(side, tables)
  for (const { off } of triggers) await change(side, 'DISABLE TRIGGER', off, context)
  // All at once, since preserved tables may refer to each other; one that others refer to is an error here.
  await change(side, 'TRUNCATE preserved', `truncate ${tables.map(({ source }) => source).join(', ')}`, context)
  for (const table of tables)
    await context.effects.run(`sql COPY ${table.name}`, () => copyRows(live, side, table, limit, context))
  for (const { on } of triggers) await change(side, 'ENABLE TRIGGER', on, context)
  for (const sequence of new Set(tables.flatMap(({ sequences }) => sequences)))
    await copySequence(live, side, sequence, context)
}

async function copyRows(
  live: pg.Client,
  side: pg.Client,
  table: PreservedTable,
  limit: number,
  context: Context,
): Promise<void> {
  const columns = table.columns.map(({ name }) => identifier(name)).join(', ')
  // Of one table the statement is not planned, which would evaluate expressions of its indexes.
  const whole = table.source.startsWith('only ') && columns !== ''
  const statement = `copy ${whole ? `${table.name} (${columns})` : `(select ${columns} from ${table.source})`} to stdout`
  const reader = ownChunks(copyOut(live, statement, { idleLimit: limit, subject: 'the server' }))
  const writer = side.query(copyFrom(`copy ${table.name} (${columns}) from stdin`))
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(limit)])
  await attempt(`copy preserved table ${table.name}`, () => pipeline(reader, writer, { signal }))
}

/** The writer keeps a chunk while it asks for the next, which would overwrite it. */
async function* ownChunks(chunks: Bytes): Bytes {
  for await (const chunk of chunks) yield Buffer.from(chunk)
}

/** Positions of sequences are outside transactions; a repeated copy sets them again. */
async function copySequence(live: pg.Client, side: pg.Client, sequence: string, context: Context): Promise<void> {
  const position = z.object({ last: z.string(), called: z.boolean() })
  const { last, called } = await queryOne(
    live,
    position,
    `select last_value::text as last, is_called as called from ${sequence}`,
  )
  await change(
    side,
    `setval ${sequence}`,
    `select setval(${literal(sequence)}::regclass, ${literal(last)}::bigint, ${called})`,
    context,
  )
}

const tableRow = z.object({
  name: z.string(),
  source: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  sequences: z.array(z.string()),
})

/** Sequences that a column owns (serial, identity) or that its default takes values from. */
const TABLE = `select format('%I.%I', n.nspname, c.relname) as name,
    case c.relkind when 'r' then 'only ' else '' end || format('%I.%I', n.nspname, c.relname) as source,
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
  const [found] = await query(client, tableRow, TABLE, [table])
  if (found !== undefined) return found
  throw new Failure('refused', `preserved table ${table} is not in the ${where} database`, {
    hint: 'Write it as schema.table, quoted as in SQL, or take it out of preserve.',
  })
}

function requireSame(live: PreservedTable, restored: PreservedTable): PreservedTable {
  const text = ({ columns }: PreservedTable): string =>
    columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ')
  if (text(live) === text(restored))
    return { ...restored, sequences: restored.sequences.filter((one) => live.sequences.includes(one)) }
  throw new Failure('refused', `preserved table ${live.name} has other columns live than in the restored database`, {
    facts: { live: text(live), restored: text(restored) },
  })
}

/** A table after those it refers to, since foreign keys are checked row by row. Circles keep the order they are in. */
async function parentsFirst(client: pg.Client, tables: readonly PreservedTable[]): Promise<PreservedTable[]> {
  const edges = await query(client, z.object({ child: z.string(), parent: z.string() }), FOREIGN_KEYS)
  const left = [...tables]
  const ordered: PreservedTable[] = []
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
async function firingTriggers(
  side: pg.Client,
  tables: readonly PreservedTable[],
): Promise<{ off: string; on: string }[]> {
  const sql = `select t.tgrelid::regclass::text as table, t.tgname as name, t.tgenabled = 'A' as always from pg_trigger t
    where not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgrelid = any ($1::regclass[]) order by 1, 2`
  const rows = await query(side, z.object({ table: z.string(), name: z.string(), always: z.boolean() }), sql, [
    tables.map(({ name }) => name),
  ])
  return rows.map(({ table, name, always }) => ({
    off: `alter table ${table} disable trigger ${identifier(name)}`,
    on: `alter table ${table} enable ${always ? 'always ' : ''}trigger ${identifier(name)}`,
  }))
}
