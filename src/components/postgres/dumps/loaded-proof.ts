import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { withSession } from '../connection/connection.ts'
import type { Server } from '../connection/connection.ts'
import type { DumpedRows } from '../plain-sql/load/loaded-rows.ts'
import { query, queryOne } from '../connection/query.ts'
import type { ArchiveProof } from './files/archive-proof.ts'
import {
  emptyLargeObjects,
  tablesSeenThroughPolicies,
  tablesWithoutRows,
  unfilledViews,
  unsetSequences,
} from './without-rows.ts'

export interface LoadedDatabase {
  readonly server: Server
  readonly database: string
  /** Of the names in the dump. */
  readonly encoding: string
  readonly archive: ArchiveProof | undefined
}

/** What the dump left out, by name. */
export interface LeftOut {
  /** A dump with its rows has all of it. */
  readonly withoutRows: readonly string[]
  /** May have been as empty where the dump was made. */
  readonly unfilled: readonly string[]
}

/**
 * Looks in a session of its own at what was loaded: every row and large object that the dump holds must be there, and what the
 * table of contents of an archive says must have been loaded. Fails as `corrupt` when something is missing or too much.
 */
export async function proveLoaded(place: LoadedDatabase, dumped: DumpedRows, context: Context): Promise<LeftOut> {
  assertCopies(place.archive, dumped)
  return withSession(place.server, place.database, context, async (session) => {
    for (const tree of await treesOf(session, dumped)) await assertCounted(session, tree)
    await assertLargeObjects(session, place.archive, dumped)
    return {
      withoutRows: [
        ...(await tablesWithoutRows(session, place.encoding, dumped)),
        ...(await tablesSeenThroughPolicies(session, dumped)),
        ...(await unsetSequences(session, place.encoding, dumped)),
        ...(await emptyLargeObjects(session, dumped)),
      ],
      unfilled: await unfilledViews(session),
    }
  })
}

/** A block of rows that lost its end takes the next ones for rows, and so there are fewer blocks. */
function assertCopies(archive: ArchiveProof | undefined, { copies }: DumpedRows): void {
  if (archive === undefined) return
  const at = archive.copies.findIndex((copy, index) => copy !== copies[index])
  if (at < 0 && copies.length === archive.copies.length) return
  throw lost(
    `its table of contents has the rows of ${archive.copies.length} tables, and ${copies.length} were read: ${archive.copies[at] ?? ''}`,
  )
}

const tree = z.object({
  name: z.string().nullable(),
  /** Rows in the text of the dump. */
  dumped: z.string(),
  /** An extension made the table, and may have filled it. */
  isExtended: z.boolean(),
  /** Where rows are: the table itself, or all partitions below the topmost table. */
  leaves: z.array(z.string()),
})
type Tree = z.infer<typeof tree>

const QUALIFIED = `pg_catalog.format('%I.%I', n.nspname, c.relname)`
const TREES = `with loaded as (select l.oid, l.rows, coalesce(pg_partition_root(l.oid)::oid, l.oid) as root
    from unnest($1::oid[], $2::bigint[]) as l (oid, rows)),
  roots as (select root, sum(rows)::text as dumped from loaded group by root)
  select ${QUALIFIED} as name, r.dumped,
    exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = r.root and d.deptype = 'e') as "isExtended",
    array(select pg_catalog.format('%I.%I', ln.nspname, lc.relname) from pg_class lc join pg_namespace ln on ln.oid = lc.relnamespace
      where lc.relkind = 'r' and (lc.oid = r.root or lc.oid in (select relid from pg_partition_tree(r.root)))) as leaves
  from roots r left join pg_class c on c.oid = r.root left join pg_namespace n on n.oid = c.relnamespace`

async function treesOf(session: pg.Client, { rows }: DumpedRows): Promise<readonly Tree[]> {
  return query(session, tree, TREES, [[...rows.keys()], [...rows.values()]])
}

async function assertCounted(session: pg.Client, { name, dumped, isExtended, leaves }: Tree): Promise<void> {
  if (name === null) throw lost('a table of which it has rows is gone')
  let found = 0n
  for (const leaf of leaves) {
    const { rows } = await queryOne(
      session,
      z.object({ rows: z.string() }),
      `select count(*)::text as rows from only ${leaf}`,
    )
    found += BigInt(rows)
  }
  if (found === BigInt(dumped) || (isExtended && found > BigInt(dumped))) return
  throw lost(`it has ${dumped} rows of table ${name}, and ${found} are there`)
}

async function assertLargeObjects(
  session: pg.Client,
  archive: ArchiveProof | undefined,
  { largeObjects }: DumpedRows,
): Promise<void> {
  const wanted = [...new Set([...(archive?.largeObjects ?? []), ...largeObjects])]
  if (wanted.length === 0) return
  const absent = await query(
    session,
    z.object({ number: z.string() }),
    `select l::text as number from pg_catalog.unnest($1::oid[]) l where not exists (select from pg_largeobject_metadata m where m.oid = l)`,
    [wanted],
  )
  if (absent.length > 0) throw lost(`large object ${absent.map(({ number }) => number).join(', ')} is not there`)
}

function lost(what: string): Failure {
  return new Failure('corrupt', `what was loaded is not what the dump holds: ${what}`, {
    hint: 'The dump is cut off, damaged, or was edited. Use another copy, or make it again.',
  })
}
