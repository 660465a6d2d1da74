import { z } from 'zod'
import type { Bytes, Context } from '../../../core/ports.ts'
import { stream } from '../../../system/process/run.ts'
import { withDrops, type ArchiveEntry } from '../restore/in-place/archive-head.ts'
import { asciiLiteral } from '../restore/in-place/ascii.ts'
import { readDroppable } from '../restore/in-place/droppable.ts'
import { identifier, withSession } from '../connection/connection.ts'
import type { LoadTarget } from '../restore/load/load.ts'
import { queryOne } from '../connection/query.ts'
import { streamTool } from '../tools/tool-run.ts'

const row = z.object({ hasDo: z.boolean() })
const ROW = `select exists (select from pg_catalog.pg_language where lanname = 'plpgsql') as "hasDo"`

/**
 * The database as SQL that drops what it makes, where that is there, for `psql --single-transaction`. pg_dump alone would drop
 * constraints of partitions by themselves, which PostgreSQL refuses, and would leave foreign keys that its tables have got
 * since. Around large objects it commits, as pg_dump does.
 */
export async function sqlOverExisting(place: LoadTarget, context: Context): Promise<Bytes> {
  const { droppable, hasDo } = await withSession(place.server, place.database, context, async (session) => ({
    droppable: await readDroppable(session),
    ...(await queryOne(session, row, ROW)),
  }))
  const archive = streamTool({ ...place, program: 'pg_dump', args: ['--format=custom', '--compress=0'] }, context)
  const edited = withDrops(archive, (entries) => ({
    keeps: entries.map(droppable),
    first: hasDo ? untying(entries) : '',
  }))
  const options = {
    file: place.tools.pgRestore,
    args: ['--format=custom', '--clean', '--if-exists', '--file=-'],
    signal: context.signal,
    ...place.limits,
  }
  return stream(options, edited)
}

/** Drops the foreign keys that the tables of the dump have where it is fed; where they are not there, it does nothing. */
function untying(entries: readonly ArchiveEntry[]): string {
  const tables = entries
    .filter(({ kind, schema }) => kind === 'TABLE' && schema !== null)
    .map(
      ({ schema, tag }) => `pg_catalog.to_regclass(${asciiLiteral(`${identifier(schema ?? '')}.${identifier(tag)}`)})`,
    )
  if (tables.length === 0) return ''
  return `DO $holdfast$
DECLARE tie record;
BEGIN
  FOR tie IN SELECT k.conrelid::pg_catalog.regclass::text AS child, pg_catalog.quote_ident(k.conname) AS name FROM pg_catalog.pg_constraint k
    WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid::pg_catalog.regclass = ANY (ARRAY[${tables.join(', ')}])
  LOOP
    EXECUTE 'ALTER TABLE ' || tie.child || ' DROP CONSTRAINT ' || tie.name;
  END LOOP;
END
$holdfast$;
`
}
