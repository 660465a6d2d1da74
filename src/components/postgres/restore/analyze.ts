import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import { allOrNone } from '../all-or-none.ts'
import { withSession } from '../connection.ts'
import type { LoadPlace } from '../load.ts'
import { query } from '../query.ts'
import { attempt } from '../target-place.ts'

/**
 * Everything that ANALYZE without a name would do, largest first. A partition is done with the table it is of.
 */
const TABLES = `
  select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm') and not c.relispartition and c.relpersistence <> 't'
  order by coalesce((select sum(pg_relation_size(p.relid)) from pg_partition_tree(c.oid) p), pg_relation_size(c.oid)) desc, 1`

/** Planner statistics are not in a dump; without them the first queries of the application would be slow. */
export async function analyze({ server, database, limits, jobs }: LoadPlace, context: Context): Promise<void> {
  const waiting = await withSession(server, database, context, (session) =>
    query(session, z.object({ name: z.string() }), TABLES),
  )
  const work = (inner: Context): Promise<void> =>
    withSession(server, database, inner, async (session) => {
      await session.query(`set statement_timeout = ${limits.totalLimit}`)
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { name } = next
        await attempt(`ANALYZE ${name}`, () => session.query(`analyze ${name}`))
      }
    })
  await context.effects.run('sql ANALYZE', () =>
    allOrNone(
      context,
      Array.from({ length: jobs }, () => work),
    ),
  )
}
