import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { allOrNone } from '../../fingerprint/all-or-none.ts'
import { withSession } from '../../connection/connection.ts'
import type { LoadTarget } from './load.ts'
import { query } from '../../connection/query.ts'
import { attempt } from '../target/database-target.ts'

/**
 * Everything that ANALYZE without a name would do, largest first. A partition is done with the table it is of, unless one
 * of that table's is a foreign table: ANALYZE would ask its server. Then those that are not are done one by one.
 */
const TABLES = `
  with far as (select p.relid from pg_class f, pg_partition_ancestors(f.oid) p where f.relkind = 'f' and f.relispartition)
  select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm') and c.relpersistence <> 't' and c.oid not in (select relid from far)
    and (not c.relispartition or (select max(i.inhparent) from pg_inherits i where i.inhrelid = c.oid) in (select relid from far))
  order by coalesce((select sum(pg_relation_size(p.relid)) from pg_partition_tree(c.oid) p), pg_relation_size(c.oid)) desc, 1`

/**
 * Planner statistics are not in a dump; without them the first queries of the application would be slow. That is all: a table
 * that cannot be analyzed, for example because a function in an index needs the search path, is named and left to autovacuum.
 */
export async function analyze({ server, database, limits, jobs }: LoadTarget, context: Context): Promise<void> {
  const waiting = await withSession(server, database, context, (session) =>
    query(session, z.object({ name: z.string() }), TABLES),
  )
  const work = (inner: Context): Promise<void> =>
    withSession(server, database, inner, async (session) => {
      await session.query(`set statement_timeout = ${limits.totalLimit}`)
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await analyzeOne(session, next.name, inner)
    })
  await context.effects.run('sql ANALYZE', () =>
    allOrNone(
      context,
      Array.from({ length: jobs }, () => work),
    ),
  )
}

/** A lost session ends the restore, as it would anywhere else; whatever the server says of one table does not. */
async function analyzeOne(session: pg.ClientBase, name: string, context: Context): Promise<void> {
  try {
    await attempt(`ANALYZE ${name}`, () => session.query(`analyze ${name}`))
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'unreachable' || context.signal.aborted) throw error
    context.progress({ type: 'warning', message: `${error.message}; it has no planner statistics yet` })
  }
}
