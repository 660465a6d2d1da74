import type pg from 'pg'
import { z } from 'zod'
import { Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { foldRoots } from './fingerprint-roots.ts'
import { tableOf } from './lanes.ts'
import { query, queryOne } from './query.ts'
import type { Fingerprint } from './schema.ts'
import { tableCountQuery, tableHashQuery } from './table-hash.ts'

type TableFingerprint = Fingerprint['tables'][number]

const table = z.object({
  name: z.string(),
  schema: z.string(),
  relation: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  condition: z.string(),
  root: z.string(),
})
type Table = z.infer<typeof table>

/**
 * Every table with rows of its own that pg_dump would dump, largest first. Tables of an extension count only if the
 * extension says that their rows are the user's, with the condition it gives. Columns are in their order, but by name
 * in a table that inherits: what a parent got later stands last there, and before the table's own when it is made anew. So
 * they are in partitions that count together for one of the roots $1.
 */
const TABLES = `
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, n.nspname as schema, c.relname as relation, coalesce(x.condition, '') as condition, coalesce(m.root, '') as root,
    coalesce((select jsonb_agg(jsonb_build_object('name', a.attname, 'type', case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname else '' end)
      order by case when m.root is not null or not c.relispartition and exists (select from pg_inherits i where i.inhrelid = c.oid) then a.attname::text collate "C" end, a.attnum) from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0 and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
  left join lateral (select e.extcondition[array_position(e.extconfig, c.oid)] as condition from pg_extension e
    where e.oid = d.refobjid and array_position(e.extconfig, c.oid) is not null) x on true
  left join lateral (select quote_ident(an.nspname) || '.' || quote_ident(ac.relname) as root from pg_partition_ancestors(case when c.relispartition then c.oid end) a
    join pg_class ac on ac.oid = a.relid join pg_namespace an on an.oid = ac.relnamespace
    where quote_ident(an.nspname) || '.' || quote_ident(ac.relname) = any ($1::text[])) m on true
  where c.relkind = 'r' and c.relpersistence in ('p', 'u') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (d.objid is null or x.condition is not null)
  order by pg_relation_size(c.oid) desc, 1`

/**
 * A materialized view is not captured by its rows: a restore computes them anew, and they may rightly differ. What is
 * compared is whether it has any.
 */
const MATERIALIZED_VIEWS = `
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, '0' as rows, case when c.relispopulated then 'computed' else 'not computed' end as hash
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'm' and n.nspname !~ '^pg_' order by 1`

const count = z.object({ rows: z.string() })
const content = z.object({ rows: z.string(), hash: z.string() })
const named = z.object({ name: z.string(), rows: z.string(), hash: z.string() })

/** Row counts and content hashes of all tables, read over all `sessions` at once, which share one snapshot. */
export async function readTables(
  sessions: readonly pg.ClientBase[],
  roots: readonly string[],
  context: Context,
): Promise<TableFingerprint[]> {
  const found = await readEach(sessions, roots, context, async (session, { name, root, columns, condition }) => ({
    name,
    root,
    ...(await queryOne(session, content, tableHashQuery(name, columns, condition))),
  }))
  const [first] = sessions
  const views = first === undefined ? [] : await query(first, named, MATERIALIZED_VIEWS)
  return [...foldRoots(found), ...views].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Row counts alone. Those of tables in `counted`, as `tableOf` quotes them, are taken from there when all are read. */
export async function countTables(
  sessions: readonly pg.ClientBase[],
  counted: ReadonlyMap<string, bigint>,
  roots: readonly string[],
  context: Context,
): Promise<() => TableFingerprint[]> {
  const found = await readEach(sessions, roots, context, async (session, source) => {
    const { name, root, schema, relation, condition } = source
    const table = tableOf({ schema, table: relation })
    if (counted.has(table)) return () => ({ name, root, rows: String(counted.get(table)) })
    const one = { name, root, ...(await queryOne(session, count, tableCountQuery(name, condition))) }
    return () => one
  })
  const [first] = sessions
  const views = first === undefined ? [] : await query(first, named, MATERIALIZED_VIEWS)
  return () => [...foldRoots(found.map((of) => of())), ...views].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function readEach<Result>(
  sessions: readonly pg.ClientBase[],
  roots: readonly string[],
  context: Context,
  read: (session: pg.ClientBase, one: Table) => Promise<Result>,
): Promise<Result[]> {
  const [first] = sessions
  if (first === undefined) throw new Failure('bug', 'no session to read tables with')
  const waiting = await query(first, table, TABLES, [roots])
  const found: Result[] = []
  await Promise.all(
    sessions.map(async (session) => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        context.signal.throwIfAborted()
        found.push(await read(session, next).catch(notWhole(next)))
      }
    }),
  )
  return found
}

function notWhole({ name }: Table): (error: unknown) => never {
  return (error) => {
    if (!isFailure(error, 'denied')) throw error
    throw new Failure('denied', `the rows of ${name} cannot be read whole: ${error.message}`, {
      cause: error,
      hint: 'Grant SELECT on it (or pg_read_all_data); a table with row-level security needs a role with BYPASSRLS.',
    })
  }
}
