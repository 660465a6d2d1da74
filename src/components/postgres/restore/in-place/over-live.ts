import type pg from 'pg'
import { z } from 'zod'
import type { ArtifactSource } from '../../../transfer.ts'
import { DUMP_ROLE } from '../../capture/capture.ts'
import { query } from '../../connection/query.ts'
import type { ArchiveEntry } from './archive-head.ts'
import { withDrops } from './archive-head.ts'
import { asciiIdentifier as quoted } from './ascii.ts'
import { withoutDefaultPrivileges } from './default-privileges.ts'
import { readDroppable } from './droppable.ts'
import { emptied, readSqlBodies } from './sql-bodies.ts'

/** What ties a table of the live database to another one, and the statement that unties it, behind ALTER TABLE. */
const tie = z.object({ schema: z.string(), table: z.string(), name: z.string(), parent: z.string().nullable() })
type Tie = z.infer<typeof tie>

/** Partitions are not untied: they go with their parents. */
const TIES = `select n.nspname::text as schema, c.relname::text as table, k.conname::text as name, null as parent
    from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and k.conparentid = 0
  union all select n.nspname::text, c.relname::text, p.relname::text, pn.nspname::text
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_class p on p.oid = i.inhparent join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
    where c.relkind = 'r' and not c.relispartition order by 1, 2, 3`

/**
 * The artifacts of a point whose dump drops what the live database of the session has now, and not only what it had: what ties its
 * tables to others and its routines to each other goes first, and what hangs on a parent goes with that. Before that, in the same transaction, the
 * default privileges are taken away, and `also` runs. `inSteps` all is dropped with the first section: what is made behind the
 * rows may hold what is made before them, for example an index a function.
 */
export async function overLive(
  source: ArtifactSource,
  live: pg.ClientBase,
  also: readonly string[],
  inSteps: boolean,
): Promise<ArtifactSource> {
  const droppable = await readDroppable(live)
  const ties = await query(live, tie, TIES)
  const bodies = await readSqlBodies(live)
  const before = [...also, ...(await withoutDefaultPrivileges(live))]
  return {
    ...source,
    read: (role) => {
      if (role !== DUMP_ROLE) return source.read(role)
      return withDrops(source.read(role), (entries) => ({
        keeps: entries.map(droppable),
        early: entries.map((entry) => inSteps && isDroppedEarly(entry) && droppable(entry)),
        first: [...before, ...emptied(entries, bodies), ...untied(entries, ties)]
          .map((statement) => `${statement};\n`)
          .join(''),
      }))
    },
  }
}

/** Nothing needs a subscription, and one with a slot cannot be dropped in a transaction. */
function isDroppedEarly({ kind, behindRows }: ArchiveEntry): boolean {
  return behindRows && kind !== 'SUBSCRIPTION'
}

/** Unties the tables of a dump. Other tables stay tied, and keep what they refer to. */
function untied(entries: readonly ArchiveEntry[], ties: readonly Tie[]): string[] {
  const tables = new Set(
    entries.filter(({ kind }) => kind === 'TABLE').map(({ schema, tag }) => JSON.stringify([schema, tag])),
  )
  return ties.filter(({ schema, table }) => tables.has(JSON.stringify([schema, table]))).map(untying)
}

function untying({ schema, table, name, parent }: Tie): string {
  const alter = `alter table ${quoted(schema)}.${quoted(table)}`
  if (parent === null) return `${alter} drop constraint if exists ${quoted(name)}`
  return `${alter} no inherit ${quoted(parent)}.${quoted(name)}`
}
