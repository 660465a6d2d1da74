import type pg from 'pg'
import { z } from 'zod'
import { tableOf, type Lane } from './lanes.ts'
import { query } from '../connection/query.ts'
import type { PostgresDetails } from '../schema.ts'

type IndexRuns = NonNullable<PostgresDetails['indexRuns']>

const entry = z.object({ catalog: z.int(), oid: z.int(), alone: z.boolean() })
const table = z.object({ schema: z.string(), table: z.string(), locks: z.boolean(), entries: z.array(entry) })

/**
 * An index is `alone` when it needs nothing but the rows of its table. One that calls a function of the user's may read
 * other tables through it, although it must not. Built-in functions and operators are in no dependency. A table `locks`
 * when two definitions of its indexes end with CLUSTER ON or REPLICA IDENTITY: each of both takes a lock that the other, which
 * still holds the one of its CREATE INDEX, stands in the way of.
 */
const LOCKING = 'count(*) filter (where i.indisclustered or i.indisreplident) > 1'
const INDEXES = `
  select n.nspname::text as schema, c.relname::text as table, ${LOCKING} as locks,
    jsonb_agg(jsonb_build_object('catalog', case when k.oid is null then 'pg_class' else 'pg_constraint' end::regclass::oid::int8,
      'oid', coalesce(k.oid, i.indexrelid)::int8, 'alone', not exists (select from pg_depend d
        where ((d.classid = 'pg_class'::regclass and d.objid = i.indexrelid) or (d.classid = 'pg_constraint'::regclass and d.objid = k.oid))
          and d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass)))
      order by pg_relation_size(i.indexrelid) desc, i.indexrelid) as entries
  from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
  left join pg_constraint k on k.conrelid = i.indrelid and k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
  where i.indisvalid and c.relkind in ('r', 'm') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  group by n.nspname, c.relname having (n.nspname::text, c.relname::text) in (select * from unnest($1::text[], $2::text[])) or ${LOCKING}
  order by 1, 2`

/** Which indexes one session makes, table by table. */
export async function readIndexRuns(session: pg.ClientBase, lanes: readonly Lane[]): Promise<IndexRuns> {
  const inLanes = new Set(lanes.map(tableOf))
  const names = [lanes.map(({ schema }) => schema), lanes.map(({ table }) => table)]
  const found = await query(session, table, INDEXES, names)
  return found
    .map(({ schema, table, locks, entries }) => {
      const alone = entries.filter((one) => one.alone)
      const early = inLanes.has(tableOf({ schema, table })) && (!locks || alone.length === entries.length)
      // Of a table that is not made early all indexes are in one run: it is only found because two of them lock it.
      const made = early ? alone : entries
      return { schema, table, early, entries: made.map(({ catalog, oid }) => ({ catalog, oid })) }
    })
    .filter(({ entries }) => entries.length > 0)
}
