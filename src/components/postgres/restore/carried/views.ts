import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../../core/ports.ts'
import { describe } from '../../../../core/failure.ts'
import { query } from '../../connection/query.ts'
import { change } from '../target/database-target.ts'
import type { CarriedTable } from './match-tables.ts'

/** Filled materialized views that read one of the tables, through others or not; those that are read come first. */
const READERS = `
  with recursive reads (id, source) as (
    select distinct r.ev_class, d.refobjid from pg_rewrite r
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class),
  reader (id, level) as (
    select r.id, 1 from reads r where r.source in (select given.id from unnest($1::regclass[]) given(id) union select t.relid from unnest($1::regclass[]) given(id), pg_partition_tree(given.id) t)
    union select r.id, u.level + 1 from reader u join reads r on r.source = u.id)
  select c.oid::regclass::text as name from reader join pg_class c on c.oid = reader.id
  where c.relkind = 'm' and c.relispopulated group by c.oid order by max(reader.level), 1`

/** The load computed them of tables without rows. One that cannot be computed stays as it is, and is named. */
export async function refreshReaders(
  side: pg.Client,
  tables: readonly CarriedTable[],
  context: Context,
): Promise<readonly string[]> {
  const views = await query(side, z.object({ name: z.string() }), READERS, [tables.map(({ name }) => name)])
  const stale: string[] = []
  for (const { name } of views) {
    await change(side, 'SAVEPOINT view', 'savepoint view', context)
    try {
      await change(side, 'REFRESH MATERIALIZED VIEW', `refresh materialized view ${name}`, context)
    } catch (error) {
      context.signal.throwIfAborted()
      await change(side, 'ROLLBACK TO view', 'rollback to savepoint view', context)
      stale.push(`materialized view ${name} was computed without the carried rows: ${describe(error)}`)
    }
  }
  return stale
}
