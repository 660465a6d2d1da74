import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../../core/ports.ts'
import { identifier } from '../../connection/connection.ts'
import { query } from '../../connection/query.ts'
import { change } from '../target/database-target.ts'
import type { CarriedTable } from './match-tables.ts'
import { orCannotCarry } from './refusal.ts'

const partition = z.object({
  name: z.string(),
  parent: z.string(),
  bound: z.string(),
  key: z.string().nullable(),
  owner: z.string(),
})
type Partition = z.infer<typeof partition>

/** Uppermost first. Rows of foreign partitions are on another server. */
const PARTITIONS = `select t.relid::regclass::text as name, t.parentrelid::regclass::text as parent, pg_get_expr(c.relpartbound, c.oid) as bound,
    pg_get_partkeydef(c.oid) as key, pg_get_userbyid(c.relowner)::text as owner
  from pg_partition_tree($1::regclass) t join pg_class c on c.oid = t.relid
  where t.level > 0 and c.relkind in ('r', 'p') order by t.level, 1`

/** Makes the partitions that came since the point, as of an audit log that gets one each month. Gives their names. */
export async function makePartitions(
  live: pg.Client,
  side: pg.Client,
  table: CarriedTable,
  context: Context,
): Promise<readonly string[]> {
  const there = new Set((await partitionsOf(side, table)).map(({ name }) => name))
  const missing = (await partitionsOf(live, table)).filter(({ name }) => !there.has(name))
  for (const one of missing) await orCannotCarry(table.name, () => make(side, one, context))
  return missing.map(({ name }) => name)
}

function partitionsOf(session: pg.Client, { name }: CarriedTable): Promise<Partition[]> {
  return query(session, partition, PARTITIONS, [name])
}

async function make(side: pg.Client, { name, parent, bound, key, owner }: Partition, context: Context): Promise<void> {
  const below = key === null ? '' : ` partition by ${key}`
  await change(side, 'CREATE TABLE partition', `create table ${name} partition of ${parent} ${bound}${below}`, context)
  await change(side, 'ALTER TABLE OWNER', `alter table ${name} owner to ${identifier(owner)}`, context)
}
