import type pg from 'pg'
import { z } from 'zod'
import { query } from '../../connection/query.ts'
import type { Refusal } from './attempt.ts'

/** A constraint that rows break, as statements: what takes it away, and what makes it again without looking at rows. */
export interface BrokenConstraint {
  readonly drop: string
  readonly add: string
  /** pg_dump shows a constraint that is not valid apart from its table or domain. */
  readonly objects: readonly string[]
}

const row = z.object({ drop: z.string(), add: z.string(), objects: z.array(z.string()) })
const CHECK_VIOLATION = '23514'

/** The table that a constraint was made on, which its children have it from. */
const OF_TABLE = `
  with recursive holder(id, level) as (
    select k.conrelid, 0 from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and k.conname = $3 and k.contype = 'c'
    union all select i.inhparent, level + 1 from holder join pg_catalog.pg_inherits i on i.inhrelid = holder.id
      where exists (select from pg_catalog.pg_constraint p where p.conrelid = i.inhparent and p.conname = $3 and p.contype = 'c'))
  select format('alter table %s drop constraint %I', name, conname) as drop,
    format('alter table %s add constraint %I %s not valid', name, conname, regexp_replace(definition, ' NOT VALID$', '')) || coalesce(format('; comment on constraint %I on %s is %L', conname, name, comment), '') as add,
    array['TABLE ' || plain, 'CHECK CONSTRAINT ' || plain || ' ' || conname] || array(select 'TABLE ' || h.nspname || ' ' || r.relname from holder join pg_catalog.pg_class r on r.oid = holder.id join pg_catalog.pg_namespace h on h.oid = r.relnamespace) as objects
  from (select format('%I.%I', n.nspname, c.relname) as name, n.nspname || ' ' || c.relname as plain, k.conname, pg_catalog.pg_get_constraintdef(k.oid) as definition, pg_catalog.obj_description(k.oid, 'pg_constraint') as comment
    from holder join pg_catalog.pg_class c on c.oid = holder.id join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.conname = $3 order by level desc limit 1) top`

const OF_DOMAIN = `
  select format('alter domain %s drop constraint %I', name, conname) as drop,
    format('alter domain %s add constraint %I %s not valid', name, conname, regexp_replace(definition, ' NOT VALID$', '')) || coalesce(format('; comment on constraint %I on domain %s is %L', conname, name, comment), '') as add,
    array['DOMAIN ' || plain, 'CHECK CONSTRAINT ' || plain || ' ' || conname] as objects
  from (select format('%I.%I', n.nspname, t.typname) as name, n.nspname || ' ' || t.typname as plain, k.conname, pg_catalog.pg_get_constraintdef(k.oid) as definition, pg_catalog.obj_description(k.oid, 'pg_constraint') as comment
    from pg_catalog.pg_constraint k join pg_catalog.pg_type t on t.oid = k.contypid join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where n.nspname = $1 and t.typname = $2 and k.conname = $3) found`

/** The check that a refused row breaks; undefined where it was refused for something else. */
export async function readBrokenConstraint(
  session: pg.Client,
  refused: Refusal,
): Promise<BrokenConstraint | undefined> {
  const { sqlState, schema, table, dataType, constraint } = refused
  if (sqlState !== CHECK_VIOLATION || constraint === undefined) return undefined
  const [found] =
    dataType === undefined
      ? await query(session, row, OF_TABLE, [schema, table, constraint])
      : await query(session, row, OF_DOMAIN, [schema, dataType, constraint])
  return found
}
