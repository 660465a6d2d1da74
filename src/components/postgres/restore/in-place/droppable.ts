import type pg from 'pg'
import { z } from 'zod'
import { query } from '../../connection/query.ts'
import type { ArchiveEntry } from './archive-head.ts'

const named = z.object({ kind: z.string(), schema: z.string(), tag: z.string() })
const NAMESPACE = 'join pg_catalog.pg_namespace n on n.oid = c.relnamespace'

/**
 * What a database has of a name and does not let go by itself: constraints and indexes of partitions and children, which go
 * with those of their parents; sequences of identity columns, which go with their tables.
 */
const BOUND = `
  select 'CONSTRAINT' as kind, n.nspname::text as schema, c.relname || ' ' || k.conname as tag
    from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid ${NAMESPACE} where k.conparentid <> 0 or k.coninhcount > 0
  union all select 'INDEX', n.nspname::text, c.relname::text from pg_catalog.pg_class c ${NAMESPACE} where c.relkind in ('i', 'I') and c.relispartition
  union all select 'SEQUENCE', n.nspname::text, c.relname::text from pg_catalog.pg_class c ${NAMESPACE}
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'i' where c.relkind = 'S'`

/** Columns whose default can be dropped. */
const DEFAULTS = `select 'DEFAULT' as kind, n.nspname::text as schema, c.relname || ' ' || a.attname as tag
  from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid ${NAMESPACE}
  where a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''`

/** Says of an entry of a dump whether the statement that drops it can run on the database of the session. */
export async function readDroppable(session: pg.ClientBase): Promise<(entry: ArchiveEntry) => boolean> {
  const bound = new Set((await query(session, named, BOUND)).map(keyOf))
  const defaults = new Set((await query(session, named, DEFAULTS)).map(keyOf))
  return (entry) => (entry.kind === 'DEFAULT' ? defaults.has(keyOf(entry)) : !bound.has(keyOf(entry)))
}

/** A dump tells apart what constraints are; the names of all constraints of a table are one set. */
function keyOf({ kind, schema, tag }: Pick<ArchiveEntry, 'kind' | 'schema' | 'tag'>): string {
  return JSON.stringify([kind.endsWith('CONSTRAINT') ? 'CONSTRAINT' : kind, schema, tag])
}
