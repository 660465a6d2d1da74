import type pg from 'pg'
import { z } from 'zod'
import { query } from '../../connection/query.ts'
import type { ArchiveEntry } from './archive-head.ts'

const routine = z.object({ oid: z.string(), schema: z.string(), tag: z.string() })
type Routine = z.infer<typeof routine>

/** Routines whose body is kept as it was parsed, and so holds what it names. `tag` is spelled as pg_dump does, under an empty path. */
const WITH_BODY = `select p.oid::text as oid, n.nspname::text as schema, p.proname || '(' || array_to_string(array(
      select pg_catalog.format_type(a.type, null) from pg_catalog.unnest(p.proargtypes) with ordinality a (type, at) order by a.at), ', ') || ')' as tag
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where p.prosqlbody is not null order by 1`

/** Reads the routines of the live database that hold what their bodies name. The session has an empty search path. */
export function readSqlBodies(live: pg.ClientBase): Promise<readonly Routine[]> {
  return query(live, routine, WITH_BODY)
}

/**
 * The statement that empties the bodies of routines that a dump drops: those that call each other could not be dropped one
 * after the other. Pure ASCII. It runs where bodies are not checked, as all of pg_restore's.
 */
export function emptied(entries: readonly ArchiveEntry[], routines: readonly Routine[]): string[] {
  const keyOf = ({ schema, tag }: Pick<ArchiveEntry, 'schema' | 'tag'>): string => JSON.stringify([schema, tag])
  const dropped = new Set(entries.filter(({ kind }) => kind === 'FUNCTION' || kind === 'PROCEDURE').map(keyOf))
  const oids = routines.filter((one) => dropped.has(keyOf(one))).map(({ oid }) => oid)
  if (oids.length === 0) return []
  return [
    `do $empty$ declare routine pg_catalog.oid; begin foreach routine in array '{${oids.join(',')}}'::pg_catalog.oid[] loop
      execute pg_catalog.replace(pg_catalog.pg_get_functiondef(routine), pg_catalog.pg_get_function_sqlbody(routine), 'AS ''''');
    end loop; end $empty$`,
  ]
}
