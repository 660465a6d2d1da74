import type pg from 'pg'
import { z } from 'zod'
import { tableOf, type Lane } from './lanes.ts'
import { query } from '../connection/query.ts'

const row = z.object({
  root: z.string(),
  rootSchema: z.string(),
  rootName: z.string(),
  schema: z.string(),
  table: z.string(),
})

/** A partition whose rows may come back in another partition of the same table. */
interface MovablePartition {
  readonly schema: string
  readonly table: string
  /** The uppermost table within which they move. */
  readonly root: { readonly schema: string; readonly table: string }
  /** That table, as a fingerprint names it. */
  readonly rootName: string
}

export type Movable = readonly MovablePartition[]

/**
 * A key is movable where its hash or order is not the value's own: hashes of enums are of oids that a load gives anew, also
 * inside an array, a range or a row; a collation that is no plain order of bytes may sort or fold anew with another version;
 * operator classes that are not built in do what they want. A tree with foreign partitions is left as it is: a row that
 * moved could be written to another server.
 */
const MOVABLE = `
  with plain as (select c.oid from pg_collation c, pg_database d, to_jsonb(d) j where d.datname = current_database() and (c.collprovider = 'b'
      or c.collcollate in ('C', 'POSIX') or (c.oid = 'pg_catalog."default"'::regcollation
        and (j->>'datlocprovider' = 'b' or (coalesce(j->>'datlocprovider', 'c') = 'c' and d.datcollate ~* '^(C|POSIX|C[.]utf-?8)$'))))),
  key as (select p.partrelid, p.partstrat, p.partattrs[n] as attribute, p.partclass[n] as class, p.partcollation[n] as collation
    from pg_partitioned_table p, generate_series(0, p.partnatts - 1) n),
  movable as (select k.partrelid as oid from key k join pg_opclass o on o.oid = k.class join pg_type i on i.oid = o.opcintype
    left join pg_attribute a on a.attrelid = k.partrelid and a.attnum = k.attribute left join pg_type t on t.oid = a.atttypid
    left join pg_type e on e.oid = t.typelem left join pg_collation c on c.oid = k.collation
    where o.opcnamespace <> 'pg_catalog'::regnamespace or not c.collisdeterministic
      or (k.partstrat = 'r' and c.oid is not null and c.oid not in (select oid from plain))
      or (k.partstrat = 'h' and i.typtype = 'p' and not coalesce(t.typnamespace = 'pg_catalog'::regnamespace
        and (t.typtype = 'r' or (e.typtype = 'b' and e.typnamespace = 'pg_catalog'::regnamespace)), false)))
  select n.nspname::text as schema, c.relname::text as table, rn.nspname::text as "rootSchema", r.relname::text as root, quote_ident(rn.nspname) || '.' || quote_ident(r.relname) as "rootName"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select a.relid from pg_partition_ancestors(c.oid) with ordinality a(relid, level)
    where a.relid in (select oid from movable) order by level desc limit 1) top
  join pg_class r on r.oid = top.relid join pg_namespace rn on rn.oid = r.relnamespace
  where c.relkind = 'r' and c.relispartition and not exists (select from pg_partition_tree(r.oid) p join pg_class f on f.oid = p.relid and f.relkind = 'f')
  order by 1, 2`

/** Partitions whose rows are loaded, counted and hashed at the root, because they may rightly move. */
export async function readMovable(session: pg.ClientBase): Promise<Movable> {
  const rows = await query(session, row, MOVABLE)
  return rows.map(({ rootSchema, root, ...rest }) => ({ ...rest, root: { schema: rootSchema, table: root } }))
}

/** The lanes, each with the table that its rows are loaded into where that is another. */
export function withRoots<One extends Lane>(lanes: readonly One[], movable: Movable): readonly One[] {
  const roots = new Map(movable.map((one) => [tableOf(one), one.root]))
  return lanes.map((lane) => {
    const into = roots.get(tableOf(lane))
    return into === undefined ? lane : { ...lane, into }
  })
}

/** Arguments under which pg_dump writes rows so that they find their partition anew. By itself it only does so for enums. */
export function viaRoot(movable: Movable): readonly string[] {
  return movable.length === 0 ? [] : ['--load-via-partition-root']
}

export function rootNames(movable: Movable): readonly string[] {
  return [...new Set(movable.map(({ rootName }) => rootName))]
}
