import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { query, queryOne } from '../../connection/query.ts'
import { change } from '../target/database-target.ts'
import type { CarriedTable } from './match-tables.ts'
import { CARRY_NONE } from './refusal.ts'

/** Carried rows may refer to rows that are not in the point, for example to a user who came later. */

const key = z.object({
  table: z.string(),
  parent: z.string(),
  constraint: z.string(),
  deferrable: z.boolean(),
  /** What is true of a row of the table, as `c`, that refers to nothing. Null where rows are compared by periods. */
  misfit: z.string().nullable(),
  source: z.string(),
})
type Key = z.infer<typeof key>

const KEYS = `
  select k.conrelid::regclass::text as table, k.confrelid::regclass::text as parent, quote_ident(k.conname) as constraint, k.condeferrable as deferrable,
    case c.relkind when 'r' then 'only ' else '' end || k.conrelid::regclass as source,
    case when coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) then null else
      format('%s and not exists (select from %s%s p where %s)', string_agg(format('c.%I is not null', f.attname), ' and '),
        case r.relkind when 'r' then 'only ' else '' end, k.confrelid::regclass,
        string_agg(format('p.%I operator(%s.%s) c.%I', t.attname, quote_ident(n.nspname), o.oprname, f.attname), ' and ')) end as misfit
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
    cross join unnest(k.conkey, k.confkey, k.conpfeqop) u(child, parent, operator)
    join pg_attribute f on f.attrelid = k.conrelid and f.attnum = u.child join pg_attribute t on t.attrelid = k.confrelid and t.attnum = u.parent
    join pg_operator o on o.oid = u.operator join pg_namespace n on n.oid = o.oprnamespace
  where k.contype = 'f' and k.conparentid = 0 and coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
    and exists (select from unnest($1::regclass[]) given(id) where k.conrelid = given.id or k.conrelid in (select relid from pg_partition_tree(given.id)))
  group by k.oid, k.conrelid, k.confrelid, k.conname, k.condeferrable, c.relkind, r.relkind order by 1, 3`

export interface HeldKeys {
  /** Fails with `refused` where rows refer to nothing, or takes them out if the operator agreed; then checks every key. */
  settle(): Promise<readonly string[]>
}

/** Puts off the foreign keys of `tables` in this transaction, so that all rows that do not fit can be counted. */
export async function holdKeys(
  side: pg.Client,
  tables: readonly CarriedTable[],
  leaveOut: boolean,
  context: Context,
): Promise<HeldKeys> {
  const keys = tables.length === 0 ? [] : await query(side, key, KEYS, [tables.map(({ name }) => name)])
  const strict = keys.filter(({ deferrable }) => !deferrable)
  const alter = ({ table, constraint }: Key, how: string): Promise<void> =>
    change(side, 'ALTER CONSTRAINT', `alter table ${table} alter constraint ${constraint} ${how}`, context)
  for (const one of strict) await alter(one, 'deferrable')
  await change(side, 'SET CONSTRAINTS DEFERRED', 'set constraints all deferred', context)
  return {
    settle: async () => {
      const left = leaveOut ? await removeMisfits(side, keys, context) : []
      if (!leaveOut) refuseMisfits(await countMisfits(side, keys))
      // A table with checks that are due cannot be altered.
      await change(side, 'SET CONSTRAINTS IMMEDIATE', 'set constraints all immediate', context)
      for (const one of strict) await alter(one, 'not deferrable')
      return left
    },
  }
}

interface Misfits {
  readonly key: Key
  readonly rows: number
}

async function countMisfits(side: pg.Client, keys: readonly Key[]): Promise<Misfits[]> {
  const found: Misfits[] = []
  for (const one of keys) {
    if (one.misfit === null) continue
    const sql = `select count(*)::float8 as rows from ${one.source} c where ${one.misfit}`
    const { rows } = await queryOne(side, z.object({ rows: z.number() }), sql)
    if (rows > 0) found.push({ key: one, rows })
  }
  return found
}

/** Rows may refer to rows that go, so it is done until none is left. */
async function removeMisfits(side: pg.Client, keys: readonly Key[], context: Context): Promise<readonly string[]> {
  const removed: Misfits[] = []
  for (;;) {
    const misfits = await countMisfits(side, keys)
    if (misfits.length === 0) return removed.map((one) => `left out, as accepted: ${sentenceOf(one)}`)
    removed.push(...misfits)
    for (const { key: one } of misfits)
      await change(side, 'DELETE misfits', `delete from ${one.source} c where ${one.misfit ?? 'false'}`, context)
  }
}

function refuseMisfits(misfits: readonly Misfits[]): void {
  if (misfits.length === 0) return
  const accept = 'without-rows without-live-rows'
  throw new Failure(
    'refused',
    `live rows cannot be carried into the restored database: ${misfits.map(sentenceOf).join('; ')}`,
    {
      hint: `With --accept without-rows the tables are carried over without these rows. ${CARRY_NONE}`,
      facts: { accept },
    },
  )
}

function sentenceOf({ key: { table, parent, constraint }, rows }: Misfits): string {
  return `${rows} ${rows === 1 ? 'row' : 'rows'} of ${table} (foreign key ${constraint}) for which the point has no row of ${parent}`
}
