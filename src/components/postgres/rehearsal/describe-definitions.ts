import type pg from 'pg'
import { z } from 'zod'
import { queryOne } from '../connection/query.ts'

/** Catalogs whose rows change when something is defined otherwise, and not when rows of tables or statistics do. */
const CATALOGS = [
  'pg_attribute',
  'pg_attrdef',
  'pg_auth_members',
  'pg_constraint',
  'pg_extension',
  'pg_index',
  'pg_inherits',
  'pg_namespace',
  'pg_operator',
  'pg_policy',
  'pg_proc',
  'pg_rewrite',
  'pg_trigger',
  'pg_type',
]

/** Rows of pg_class change with statistics, so only who owns and who may do what is taken of them. */
const RIGHTS = `(select coalesce(sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', c.oid, c.relowner, c.relforcerowsecurity, c.relacl::text), 0)), 0)::text from pg_catalog.pg_class c)`

/**
 * A text that stays the same as long as no definition in the session's database changes. It reads who wrote each row of
 * the catalogs last, which takes a fraction of what pg_dump takes. Objects that only live as long as a session count, so
 * that it may change without need.
 */
export async function describeDefinitions(session: pg.ClientBase): Promise<string> {
  const sums = CATALOGS.map(
    (catalog) =>
      `(select count(*) || ' ' || coalesce(sum(pg_catalog.hash_record_extended(row(c.ctid::text, c.xmin::text), 0)), 0) from pg_catalog.${catalog} c)`,
  )
  const settings = `(select string_agg(s.setrole || ' ' || s.setconfig::text, ' ' order by s.setrole, s.setconfig::text) from pg_catalog.pg_db_role_setting s
    where s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database())))`
  const sql = `select array_to_string(array[${[...sums, RIGHTS, settings].join(', ')}], '; ') as text`
  return (await queryOne(session, z.object({ text: z.string() }), sql)).text
}
