import type pg from 'pg'
import { z } from 'zod'
import { query } from '../connection/query.ts'

const key = z.object({ child: z.string(), constraint: z.string(), parent: z.string() })

/**
 * Of a partition, the table above all is named. Keys that PostgreSQL does not enforce (since 18) hold nothing; older servers
 * have no such column.
 */
const REFERRERS = `
  select distinct (select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.oid = coalesce(pg_partition_root(k.conrelid)::oid, k.conrelid)) as child, quote_ident(k.conname) as constraint, k.confrelid::oid::text as parent
  from pg_constraint k
  where k.contype = 'f' and k.confrelid = any ($1::oid[]) and not k.conrelid = any ($1::oid[])
    and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  order by 1, 2, 3`

/** The foreign keys by which other tables refer to one of these, given by oid; `parent` is the oid. */
export function referrersOf(session: pg.ClientBase, oids: readonly string[]): Promise<z.infer<typeof key>[]> {
  return oids.length === 0 ? Promise.resolve([]) : query(session, key, REFERRERS, [oids])
}
