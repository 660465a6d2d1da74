import type pg from 'pg'
import { z } from 'zod'
import { ofExtension, OUR_SCHEMAS } from '../check/check-catalog.ts'
import { query } from '../connection/query.ts'
import type { Fingerprint } from '../schema.ts'

export type Depends = NonNullable<Fingerprint['depends']>
type Meant = Depends[number]['on'][number]

const row = z.object({
  name: z.string(),
  alone: z.string().nullable(),
  on: z.array(z.object({ kind: z.string(), schema: z.string(), name: z.string() })),
})

/** How pg_dump calls what a relation is. */
const KIND = `case c.relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' when 'f' then 'FOREIGN TABLE' else 'TABLE' end`
const IN_RELATION = `${KIND} || ' ' || n.nspname || ' ' || c.relname`
const OF_RELATION = `n.nspname || ' ' || c.relname || ' '`
const DOMAINS = `pg_type t join pg_namespace n on n.oid = t.typnamespace and ${OUR_SCHEMAS} and t.typtype = 'd' and not ${ofExtension('pg_type', 't.oid')}`

/** `c` is a relation that a dump has, `n` its schema. */
function relation(oid: string): string {
  return `join pg_class c on c.oid = ${oid} and c.relkind in ('r', 'p', 'v', 'm', 'f') and not ${ofExtension('pg_class', 'c.oid')}
    join pg_namespace n on n.oid = c.relnamespace and ${OUR_SCHEMAS}`
}

/**
 * Every object with an expression: where its dependencies are (those of one column, of the whole, of both), how pg_dump
 * calls the object that its text is part of, and how it calls it `alone`, where it sometimes has a text of its own. Of
 * columns and domains the types are `shown` by their text, and majors keep them at different places.
 */
const OBJECTS = `
  select 'pg_rewrite'::regclass as class, r.oid, null::int as part, false as shown,
      case when r.rulename = '_RETURN' then ${IN_RELATION} else 'RULE ' || ${OF_RELATION} || r.rulename end as name,
      case when r.rulename = '_RETURN' then 'RULE ' || ${OF_RELATION} || r.rulename end as alone
    from pg_rewrite r ${relation('r.ev_class')}
  union all select 'pg_trigger'::regclass, t.oid, null, false, 'TRIGGER ' || ${OF_RELATION} || t.tgname, null
    from pg_trigger t ${relation('t.tgrelid')} where not t.tgisinternal and t.tgparentid = 0
  union all select 'pg_policy'::regclass, p.oid, null, false, 'POLICY ' || ${OF_RELATION} || p.polname, null
    from pg_policy p ${relation('p.polrelid')}
  union all select 'pg_attrdef'::regclass, a.oid, null, true, ${IN_RELATION}, 'DEFAULT ' || ${OF_RELATION} || b.attname
    from pg_attrdef a join pg_attribute b on b.attrelid = a.adrelid and b.attnum = a.adnum ${relation('a.adrelid')}
  union all select 'pg_class'::regclass, c.oid, b.attnum, true, ${IN_RELATION}, null
    from pg_attribute b ${relation('b.attrelid')} where b.attgenerated <> '' and not b.attisdropped
  union all select 'pg_class'::regclass, c.oid, 0, true, ${IN_RELATION}, null
    from pg_partitioned_table q ${relation('q.partrelid')}
  union all select 'pg_class'::regclass, i.indexrelid, null, false, 'INDEX ' || n.nspname || ' ' || x.relname, null
    from pg_index i join pg_class x on x.oid = i.indexrelid ${relation('i.indrelid')}
  union all select 'pg_constraint'::regclass, k.oid, null, false,
      case k.contype when 'c' then ${IN_RELATION} when 'f' then 'FK CONSTRAINT ' || ${OF_RELATION} || k.conname
        else 'CONSTRAINT ' || ${OF_RELATION} || k.conname end,
      case k.contype when 'c' then 'CHECK CONSTRAINT ' || ${OF_RELATION} || k.conname end
    from pg_constraint k ${relation('k.conrelid')} where k.conparentid = 0 and k.contype in ('c', 'f', 'p', 'u', 'x')
  union all select 'pg_constraint'::regclass, k.oid, null, false, 'DOMAIN ' || n.nspname || ' ' || t.typname,
      'CHECK CONSTRAINT ' || n.nspname || ' ' || t.typname || ' ' || k.conname
    from ${DOMAINS} join pg_constraint k on k.contypid = t.oid and k.contype = 'c'
  union all select 'pg_type'::regclass, t.oid, null, true, 'DOMAIN ' || n.nspname || ' ' || t.typname, null
    from ${DOMAINS}
  union all select 'pg_statistic_ext'::regclass, s.oid, null, false, 'STATISTICS ' || n.nspname || ' ' || s.stxname, null
    from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace and ${OUR_SCHEMAS} and not ${ofExtension('pg_statistic_ext', 's.oid')}
  union all select 'pg_proc'::regclass, f.oid, null, false, f.name, null from unnest($1::oid[], $2::text[]) f(oid, name)`

/** What a text can mean by a name that it leaves out, or that a search path decides. */
const MEANT = `(values ('pg_operator'::regclass, 'operator'), ('pg_proc', 'function'), ('pg_type', 'type'), ('pg_collation', 'collation'),
    ('pg_opclass', 'operator class'), ('pg_opfamily', 'operator family'), ('pg_ts_config', 'text search configuration'),
    ('pg_ts_dict', 'text search dictionary'), ('pg_ts_parser', 'text search parser'), ('pg_ts_template', 'text search template')) k(class, kind)`
const DEPENDS = `
  with object as (${OBJECTS}),
  pair as (select distinct o.name, o.alone, d.refclassid, d.refobjid from object o
    join pg_depend d on d.classid = o.class and d.objid = o.oid and d.objsubid = coalesce(o.part, d.objsubid) and d.deptype in ('n', 'a')
    where d.refclassid in (select class from ${MEANT}) and not (o.shown and d.refclassid in ('pg_type'::regclass, 'pg_collation'::regclass))),
  meant as (select t.refclassid, t.refobjid, k.kind, coalesce(i.schema, '') as schema, i.identity
    from (select distinct refclassid, refobjid from pair) t join ${MEANT} on k.class = t.refclassid,
    lateral pg_identify_object(t.refclassid, t.refobjid, 0) i where i.identity is not null and i.schema is distinct from 'information_schema')
  select name, alone, json_agg(json_build_object('kind', kind, 'schema', schema, 'name', identity)) as on
    from pair join meant using (refclassid, refobjid) group by 1, 2`

/** pg_dump names functions with all names of types quoted, as `DUMP_OPTIONS` asks it to. */
const quoting = (value: 'on' | 'off'): string => `select set_config('quote_all_identifiers', '${value}', true)`
const FUNCTIONS = `select p.oid, case p.prokind when 'p' then 'PROCEDURE ' else 'FUNCTION ' end || n.nspname || ' ' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')' as name
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where (p.prosqlbody is not null or p.proargdefaults is not null) and ${OUR_SCHEMAS} and not ${ofExtension('pg_proc', 'p.oid')}`

/**
 * What definitions mean beyond their text: `JOIN USING`, `CASE`, `IN`, `NULLIF` are written without the operator that they
 * use. By the names that pg_dump gives to `objects`; what is built in is left out. Only catalogs are read, inside the
 * transaction that the session is in, and nothing of the database's own is evaluated.
 */
export async function readDepends(
  session: pg.ClientBase,
  objects: readonly { readonly name: string }[],
): Promise<Depends> {
  await query(session, z.unknown(), quoting('on'))
  const functions = await query(session, z.object({ oid: z.number(), name: z.string() }), FUNCTIONS)
  await query(session, z.unknown(), quoting('off'))
  const values = [functions.map(({ oid }) => oid), functions.map(({ name }) => name)]
  const rows = await query(session, row, DEPENDS, values)
  const known = new Set(objects.map(({ name }) => name))
  const named = rows.map(({ name, alone, on }) => ({
    name: oneLine(alone !== null && known.has(oneLine(alone)) ? alone : name),
    on,
  }))
  return [...Map.groupBy(named, ({ name }) => name)]
    .map(([name, parts]) => ({ name, on: distinct(parts.flatMap(({ on }) => on)) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** As pg_dump writes names into the comments before objects. */
function oneLine(name: string): string {
  return name.replaceAll(/[\r\n]/g, ' ')
}

function distinct(all: readonly Meant[]): Meant[] {
  const byKey = new Map(all.map((one) => [`${one.kind} ${one.name}`, one]))
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}
