import type pg from 'pg'
import type { ArtifactSource } from '../driver.ts'
import type { Bytes, Context } from '../../core/ports.ts'
import { allOrNone } from './all-or-none.ts'
import { DUMP_ROLE } from './capture.ts'
import { withSession } from './connection.ts'
import type { Server } from './connection.ts'
import { feed } from './feed.ts'
import { loadLanes } from './lanes-load.ts'
import type { PostgresDetails } from './schema.ts'
import { change } from './target-place.ts'
import { runTool } from './tool-run.ts'
import type { ToolLimits } from './tool-run.ts'
import type { Tools } from './tools.ts'

/** The database that a dump is loaded into. */
export interface LoadPlace {
  readonly server: Server
  readonly database: string
  readonly tools: Tools
  readonly limits: ToolLimits
}

/**
 * Feeds the dump to pg_restore as it is read: no file, no psql, and only the custom format (pg_restore loops forever on
 * a damaged tar). Resolves only if pg_restore ended well and the source ended well too, which is when its whole content
 * is known to be authentic. Otherwise the error that came first is thrown, and the database holds no one knows what,
 * unless `args` ask for a single transaction.
 */
export async function restoreDump(
  place: LoadPlace,
  source: ArtifactSource,
  args: readonly string[],
  context: Context,
): Promise<void> {
  const { tools, server, database, limits } = place
  // Building an index is silent, so only the total limit ends pg_restore; the source has idle limits of its own.
  const call = {
    tools,
    program: 'pg_restore',
    args: ['--format=custom', '--exit-on-error', ...args],
    server,
    database,
    limits: { ...limits, idleLimit: limits.totalLimit },
  } as const
  await context.effects.run('pg_restore', () =>
    feed(counted(source.read(DUMP_ROLE), context), async (input) => {
      await runTool(call, context, input)
    }),
  )
}

/**
 * Loads a dump and the rows that it leaves to lanes. Without lanes pg_restore does all of it in one run with `args`. With
 * them it first makes the tables, then loads its own rows beside the lanes, and at last makes indexes, constraints and
 * triggers, each from a reading of its own of a dump that is small then.
 */
export async function restoreAll(
  place: LoadPlace,
  details: Pick<PostgresDetails, 'lanes' | 'encoding'>,
  source: ArtifactSource,
  args: readonly string[],
  context: Context,
): Promise<void> {
  const { lanes, encoding } = details
  if (lanes.length === 0) return restoreDump(place, source, args, context)
  await restoreDump(place, source, [...args, '--section=pre-data'], context)
  await allOrNone(context, [
    (inner) => restoreDump(place, source, [...args, '--section=data'], inner),
    (inner) => loadLanes(place, { all: lanes, encoding }, source, inner),
  ])
  await restoreDump(place, source, [...args, '--section=post-data'], context)
}

/** Planner statistics are not in a dump; without them the first queries of the application would be slow. */
export async function analyze({ server, database, limits }: LoadPlace, context: Context): Promise<void> {
  await withSession(server, database, context, async (client: pg.Client) => {
    await client.query(`set statement_timeout = ${limits.totalLimit}`)
    await change(client, 'ANALYZE', 'analyze', context)
  })
}

async function* counted(content: Bytes, context: Context): Bytes {
  let done = 0
  for await (const chunk of content) {
    done += chunk.length
    context.progress({ type: 'bytes', subject: DUMP_ROLE, done })
    yield chunk
  }
}

/** Reads all artifacts and keeps nothing: afterwards their whole content is known to be authentic. */
export async function readWhole(source: ArtifactSource): Promise<void> {
  for (const role of source.roles) for await (const chunk of source.read(role)) void chunk
}
