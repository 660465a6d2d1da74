import type pg from 'pg'
import { z } from 'zod'
import { query } from '../../connection/query.ts'

const row = z.object({
  schema: z.string(),
  table: z.string(),
  owner: z.string(),
  insert: z.boolean(),
  usage: z.boolean(),
})

/** A table that runs code of the database's while rows are copied into it. */
export type GuardedTable = z.infer<typeof row>

/**
 * What is computed for each row: checks of the table and of the domains in its columns at any depth, generated columns, and all
 * that and the keys of the other tables of its partition tree, through which rows may be loaded. It is
 * the database's code where it depends on a function, operator, cast or type that is not built in, or names a built-in
 * function that may do anything (volatile ones, such as query_to_xml or lo_import); dependencies of those are in no catalog.
 */
const GUARDED = `
  with recursive own(oid) as (select oid from pg_proc where oid >= 16384 or provolatile = 'v'),
  tables as (select c.oid, c.relowner, n.oid as nsp, n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence in ('p', 'u') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'),
  family(oid, member) as (select oid, oid from tables union select t.oid, p.relid from tables t join pg_class c on c.oid = t.oid and (c.relispartition or c.relkind = 'p'),
    pg_partition_tree(pg_partition_root(t.oid)) p),
  typed(oid, type) as (select f.oid, a.atttypid from family f join pg_attribute a on a.attrelid = f.member and a.attnum > 0 and not a.attisdropped
    union select o.oid, n.type from typed o join pg_type t on t.oid = o.type cross join lateral (
      select t.typbasetype where t.typtype = 'd' union select t.typelem where t.typelem <> 0
      union select a.atttypid from pg_attribute a where a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0 and not a.attisdropped
      union select r.rngsubtype from pg_range r where r.rngtypid = t.oid
      union select (to_jsonb(r)->>'rngtypid')::oid from pg_range r where to_jsonb(r)->>'rngmultitypid' = t.oid::text) n(type)
    where t.oid >= 16384),
  code(oid, class, object, tree) as (
    select f.oid, 'pg_constraint'::regclass, k.oid, k.conbin::text from family f join pg_constraint k on k.conrelid = f.member and k.contype = 'c'
    union all select d.oid, 'pg_constraint'::regclass, k.oid, k.conbin::text from typed d join pg_constraint k on k.contypid = d.type
    union all select f.oid, 'pg_attrdef'::regclass, b.oid, b.adbin::text from family f join pg_attribute a on a.attrelid = f.member and a.attgenerated <> ''
      join pg_attrdef b on b.adrelid = a.attrelid and b.adnum = a.attnum
    union all select f.oid, 'pg_class'::regclass, p.partrelid, coalesce(p.partexprs::text, '') from family f join pg_partitioned_table p on p.partrelid = f.member),
  guarded as (select distinct c.oid from code c where
    exists (select from pg_depend d where d.classid = c.class and d.objid = c.object and d.objsubid = 0 and d.refobjid >= 16384 and d.deptype = 'n'
      and (d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_cast'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass)
        or (d.refclassid = 'pg_type'::regclass and c.class <> 'pg_class'::regclass and d.refobjid in (select oid from pg_type where typtype <> 'e'))))
    or exists (select from regexp_matches(c.tree, ':(?:funcid|opfuncid) (\\d+)', 'g') m join own on own.oid = m[1]::oid))
  select t.nspname::text as schema, t.relname::text as table, pg_get_userbyid(t.relowner)::text as owner,
    has_table_privilege(t.relowner, t.oid, 'insert') as insert, has_schema_privilege(t.relowner, t.nsp, 'usage') as usage
  from tables t join guarded g on g.oid = t.oid
  where pg_get_userbyid(t.relowner) <> current_user and pg_has_role(t.relowner, 'member') order by 1, 2`

/** Those that belong to others than who restores. */
export function readGuarded(session: pg.ClientBase): Promise<GuardedTable[]> {
  return query(session, row, GUARDED)
}
