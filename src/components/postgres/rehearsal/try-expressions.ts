import type pg from 'pg'
import { z } from 'zod'
import type { Finding } from '../../../core/restore-point.ts'
import { identifier } from '../connection/connection.ts'
import { query } from '../connection/query.ts'

const expression = z.object({
  /** For people: `CHECK constraint x of table public.t`. */
  what: z.string(),
  schema: z.string(),
  relation: z.string(),
  owner: z.string(),
  /** Whether the owner is a superuser. */
  superuser: z.boolean(),
  /** As `select … from (…) as relation` takes it, with every name but the built-in ones qualified. */
  sql: z.string(),
  columns: z.array(z.object({ name: z.string(), sample: z.string() })),
})
type Expression = z.infer<typeof expression>

/** A value of a type that its functions can be called with. A strict function is not called at all without one. */
const SAMPLE = `case
    when t.typtype = 'e' then coalesce((select quote_literal(e.enumlabel) from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder limit 1), 'null')
    when t.typtype = 'd' or t.typtype = 'c' then 'null'
    when t.typcategory = 'A' then '''{}'''
    when t.typcategory = 'B' then '''true'''
    when t.typcategory = 'N' then '''1'''
    when t.typcategory = 'S' then '''a'''
    when t.typcategory = 'D' then '''2000-01-01'''
    when t.typcategory = 'T' then '''1 day'''
    when t.typname = 'uuid' then '''00000000-0000-0000-0000-000000000001'''
    when t.typname in ('json', 'jsonb') then '''{}'''
    when t.typname = 'bytea' then '''a'''
    when t.typcategory = 'R' then '''empty'''
    else 'null' end`

/** Only what calls functions that are not built in can fail or read elsewhere. */
const CALLS = (catalog: string, id: string): string =>
  `exists (select from pg_catalog.pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${id} and d.refclassid = 'pg_proc'::regclass and d.refobjid >= 16384)`

/** What a restore evaluates for each row: checks, generated columns, and expressions of indexes. */
const EXPRESSIONS = `
  with found(what, relid, sql) as (
    select 'CHECK constraint ' || quote_ident(k.conname), k.conrelid, pg_catalog.pg_get_expr(k.conbin, k.conrelid) from pg_catalog.pg_constraint k
      where k.contype = 'c' and k.conrelid <> 0 and k.conislocal and ${CALLS('pg_constraint', 'k.oid')}
    union all select 'generated column ' || quote_ident(a.attname), f.adrelid, pg_catalog.pg_get_expr(f.adbin, f.adrelid) from pg_catalog.pg_attrdef f
      join pg_catalog.pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum where a.attgenerated <> '' and ${CALLS('pg_attrdef', 'f.oid')}
    union all select 'index ' || quote_ident(x.relname), i.indrelid, 'row(' || concat_ws(', ', pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid)) || ')'
      from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid where (i.indexprs is not null or i.indpred is not null) and ${CALLS('pg_class', 'i.indexrelid')})
  select f.what || ' of ' || format('%I.%I', n.nspname, c.relname) as what, n.nspname::text as schema, c.relname::text as relation, pg_catalog.pg_get_userbyid(c.relowner)::text as owner, r.rolsuper as superuser, f.sql,
    (select jsonb_agg(jsonb_build_object('name', a.attname, 'sample', (${SAMPLE}) || '::' || pg_catalog.format_type(a.atttypid, a.atttypmod)) order by a.attnum)
      from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
  from found f join pg_catalog.pg_class c on c.oid = f.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_roles r on r.oid = c.relowner order by 1`

const domain = z.object({ name: z.string(), owner: z.string(), superuser: z.boolean(), sql: z.string() })
const DOMAINS = `
  select format('%I.%I', n.nspname, d.typname) as name, pg_catalog.pg_get_userbyid(d.typowner)::text as owner, r.rolsuper as superuser, (${SAMPLE}) || '::' || pg_catalog.format_type(t.oid, d.typtypmod) || '::' || format('%I.%I', n.nspname, d.typname) as sql
  from pg_catalog.pg_type d join pg_catalog.pg_namespace n on n.oid = d.typnamespace join pg_catalog.pg_type t on t.oid = d.typbasetype join pg_catalog.pg_roles r on r.oid = d.typowner
  where d.typtype = 'd' and exists (select from pg_catalog.pg_constraint k where k.contypid = d.oid and ${CALLS('pg_constraint', 'k.oid')}) order by 1`

/** Tables and views that the transaction has read, besides the one that the expression is of. */
const READ = `select distinct format('%I.%I', n.nspname, c.relname) as name from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and l.mode = 'AccessShareLock' and c.oid >= 16384 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') order by 1`

/**
 * Evaluates once, with a made-up value, what a restore evaluates for each row, under the empty search path of a restore.
 * Gives what looks for names that are not found there, and what reads other tables. The owner acts, in the session of the
 * `owners` unless it is a superuser.
 */
export async function tryExpressions(superuser: pg.Client, owners: pg.Client): Promise<Finding[]> {
  const found: Finding[] = []
  for (const session of [superuser, owners]) await session.query('set statement_timeout = 10000')
  for (const one of await query(superuser, expression, EXPRESSIONS))
    found.push(...(await tryOne(one.superuser ? superuser : owners, one.what, one.owner, selectOf(one))))
  for (const { name, owner, sql, ...one } of await query(superuser, domain, DOMAINS))
    found.push(...(await tryOne(one.superuser ? superuser : owners, `domain ${name}`, owner, `select ${sql}`)))
  return found
}

function selectOf({ sql, relation, columns }: Expression): string {
  const samples = columns.map(({ name, sample }) => `${sample} as ${identifier(name)}`).join(', ')
  return `select ${sql} from (select ${samples}) as ${identifier(relation)}`
}

async function tryOne(session: pg.ClientBase, subject: string, owner: string, sql: string): Promise<Finding[]> {
  try {
    await session.query(`begin; set local role ${identifier(owner)}`)
    await session.query(sql)
    await session.query('reset role')
    const read = await query(session, z.object({ name: z.string() }), READ)
    return read.length === 0
      ? []
      : [
          readsOthers(
            subject,
            read.map(({ name }) => name),
          ),
        ]
  } catch (error) {
    return isNotFound(error) ? [leansOnPath(subject, error)] : []
  } finally {
    await session.query('rollback')
  }
}

/** SQLSTATEs of names that are not found. */
const NOT_FOUND = new Set(['42883', '42P01', '42704', '3F000'])
const serverError = z.object({ code: z.string(), message: z.string(), where: z.string().optional() })
type ServerError = z.infer<typeof serverError>

/** Inside a function of the user's. What our own statement gets wrong has no such place. */
function isNotFound(error: unknown): error is ServerError {
  const { data } = serverError.safeParse(error)
  return data !== undefined && NOT_FOUND.has(data.code) && data.where !== undefined
}

function leansOnPath(subject: string, { message }: ServerError): Finding {
  return {
    level: 'warning',
    subject,
    message: `looks for something on the search path, which is empty while a restore loads: ${message}`,
    hint: 'A restore loads it under the search path of the database. Name the schema in the function, or give it one (SET search_path).',
  }
}

function readsOthers(subject: string, names: readonly string[]): Finding {
  return {
    level: 'warning',
    subject: `constraints that read other tables: ${subject}`,
    message: `reads ${names.join(', ')}, which may be empty while a restore fills the tables`,
    hint: 'A restore tries again when all rows are there, and leaves a check that they break NOT VALID. Make it a trigger, or independent of other tables.',
  }
}
