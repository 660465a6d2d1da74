import type pg from 'pg'
import { z } from 'zod'
import { Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { foldRoots, rootsIn } from './fingerprint-roots.ts'
import { copyRows, tableOf } from '../capture/lanes.ts'
import { plannable } from '../check/plannable.ts'
import { query, queryOne } from '../connection/query.ts'
import { UNFILLABLE } from './unfillable.ts'
import { hashRows } from './row-hash.ts'
import type { Fingerprint } from '../schema.ts'
import { HASHING, tableCountQuery, tableHashQuery } from './table-hash.ts'

type TableFingerprint = Fingerprint['tables'][number]

const table = z.object({
  name: z.string(),
  schema: z.string(),
  relation: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  condition: z.string(),
  root: z.string(),
  plannable: z.boolean(),
  /** Of the database. */
  encoding: z.string(),
})
type Table = z.infer<typeof table>

/**
 * Every table with rows of its own that pg_dump would dump, largest first. Tables of an extension count only if the
 * extension says that their rows are the user's, with the condition it gives. Columns are in their order, but by name
 * in a table that inherits: what a parent got later stands last there, and before the table's own when it is made anew. So
 * they are in partitions that count together for one of the roots $1. Generated columns are computed anew by a restore.
 * Rows under a condition can be read by a planned statement only.
 */
const TABLES = `
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, n.nspname as schema, c.relname as relation, coalesce(x.condition, '') as condition, coalesce(m.root, '') as root,
    coalesce(x.condition, '') <> '' or (${plannable('c.oid')}) as plannable, current_setting('server_encoding') as encoding,
    coalesce((select jsonb_agg(jsonb_build_object('name', a.attname, 'type', case when t.typtype = 'e' then 'enum' when t.typnamespace = 'pg_catalog'::regnamespace then t.typname else '' end)
      order by case when m.root is not null or not c.relispartition and exists (select from pg_inherits i where i.inhrelid = c.oid) then a.attname::text collate "C" end, a.attnum) from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''), '[]') as columns
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
  with recursive ${UNFILLABLE}
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, '0' as rows, case when c.relispopulated and c.oid not in (select id from unfillable) then 'computed' else 'not computed' end as hash
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'm' and n.nspname !~ '^pg_' order by 1`

const count = z.object({ rows: z.string() })
const content = z.object({ rows: z.string(), hash: z.string() })
const named = z.object({ name: z.string(), rows: z.string(), hash: z.string() })

/**
 * How tables are read: `tables` of an earlier fingerprint are read in the ways of that one, so that both can be compared; all
 * others as is safe here. Partitions of `roots` count together.
 */
export interface ReadAs {
  readonly tables?: Fingerprint['tables']
  readonly hashing?: Fingerprint['hashing']
  readonly roots?: readonly string[]
  /** Tables that count as empty and are not read, by name: a capture leaves their rows out. */
  readonly leftOut?: readonly { readonly name: string }[]
}

/** Row counts and content hashes of all tables, read over all `sessions` at once, which share one snapshot. */
export async function readTables(
  sessions: readonly pg.ClientBase[],
  like: ReadAs,
  context: Context,
): Promise<TableFingerprint[]> {
  const isLeftOut = leftOutOf(like)
  const found = await readEach(sessions, like, context, async (session, one) => {
    const { name, root, columns, condition, encoding } = one
    if (isLeftOut(name)) return { name, root, ...byOf(one), ...EMPTY }
    if (!one.plannable) return { name, root, by: 'copy', ...(await readCopied(session, one)) } as const
    return { name, root, ...(await queryOne(session, content, tableHashQuery(name, columns, encoding, condition))) }
  })
  return withViews(sessions, foldRoots(found))
}

/** Row counts alone. Those of tables in `counted`, as `tableOf` quotes them, are taken from there when all are read. */
export async function countTables(
  sessions: readonly pg.ClientBase[],
  counted: ReadonlyMap<string, bigint>,
  like: ReadAs,
  context: Context,
): Promise<() => Promise<TableFingerprint[]>> {
  const isLeftOut = leftOutOf(like)
  const found = await readEach(sessions, like, context, async (session, one) => {
    const { name, root, schema, relation } = one
    const by = byOf(one)
    if (isLeftOut(name)) return () => ({ name, root, ...by, rows: EMPTY.rows })
    const table = tableOf({ schema, table: relation })
    if (counted.has(table)) return () => ({ name, root, ...by, rows: String(counted.get(table)) })
    const { rows } = await countOne(session, one)
    return () => ({ name, root, ...by, rows })
  })
  return () => withViews(sessions, foldRoots(found.map((of) => of())))
}

/** What a fresh load gives of a table without rows. */
const EMPTY = { rows: '0', hash: '0' }

function leftOutOf({ leftOut = [] }: ReadAs): (name: string) => boolean {
  const names = new Set(leftOut.map(({ name }) => name))
  return (name) => names.has(name)
}

function byOf({ plannable }: Table): { readonly by?: 'copy' } {
  return plannable ? {} : { by: 'copy' }
}

async function countOne(session: pg.ClientBase, one: Table): Promise<{ readonly rows: string }> {
  if (!one.plannable) return readCopied(session, one)
  return queryOne(session, count, tableCountQuery(one.name, one.condition))
}

/** The hash of rows as COPY gives them, made in this process: the server only calls the output functions of their types. */
function readCopied(session: pg.ClientBase, one: Table): ReturnType<typeof hashRows> {
  const { name, schema, relation, columns, encoding } = one
  const copied = { schema, table: relation, columns: columns.map((column) => column.name) }
  return hashRows(session, copyRows(copied, encoding), name)
}

async function withViews(
  [first]: readonly pg.ClientBase[],
  tables: readonly TableFingerprint[],
): Promise<TableFingerprint[]> {
  const views = first === undefined ? [] : await query(first, named, MATERIALIZED_VIEWS)
  return [...tables, ...views].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function readEach<Result>(
  sessions: readonly pg.ClientBase[],
  like: ReadAs,
  context: Context,
  read: (session: pg.ClientBase, one: Table) => Promise<Result>,
): Promise<Result[]> {
  const [first] = sessions
  if (first === undefined) throw new Failure('bug', 'no session to read tables with')
  const waiting = inOneWay(
    (await query(first, table, TABLES, [like.roots ?? rootsIn({ tables: like.tables ?? [] })])).map(asIn(like)),
  )
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

function asIn(like: ReadAs): (one: Table) => Table {
  const tables = like.hashing === HASHING ? (like.tables ?? []) : []
  const ways = new Map(tables.map(({ name, by }) => [name, by]))
  const nameOf = ({ root, name }: Table): string => (root === '' ? name : root)
  return (one) => ({ ...one, plannable: ways.has(nameOf(one)) ? ways.get(nameOf(one)) === undefined : one.plannable })
}

/** Rows may come back in another partition of their root: a hash made in one way there is not equal to one made in the other. */
function inOneWay(tables: readonly Table[]): Table[] {
  const copied = new Set(tables.flatMap(({ root, plannable }) => (root !== '' && !plannable ? [root] : [])))
  return tables.map((one) => (copied.has(one.root) ? { ...one, plannable: false } : one))
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
