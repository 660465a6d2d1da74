import type { Context } from '../../../core/ports.ts'
import { allOrNone } from '../all-or-none.ts'
import type { ArtifactSource } from '../../driver.ts'
import { loadLanes } from '../lanes-load.ts'
import { restoreDump, type LoadPlace } from '../load.ts'
import type { PostgresDetails } from '../schema.ts'
import { withRoomForOwners } from './make-room-for-owners.ts'
import { withDump } from './staged-dump.ts'
import type { Dump } from './staged-dump.ts'
import { readLoadSettings } from './session-settings.ts'

/** A dump of fewer bytes is read by one process: more would take longer to start than to load it. */
const WORTH_JOBS = 4 * 1024 * 1024

type Loaded = Pick<PostgresDetails, 'lanes' | 'encoding' | 'needs'>

/**
 * Loads a dump and the rows that it leaves to lanes into an empty database that nobody else uses. Without lanes it is one
 * run of pg_restore. With them pg_restore first makes the tables, then loads its own rows beside the lanes, and at last
 * makes indexes, constraints and triggers, several at once.
 */
export async function restoreBeside(
  place: LoadPlace,
  details: Loaded,
  source: ArtifactSource,
  args: readonly string[],
  context: Context,
): Promise<void> {
  const settings = await readLoadSettings(place.server, place.database, place.jobs, context)
  const prepared = { ...place, settings }
  await withDump(source, context, (dump) =>
    withRoomForOwners({ ...prepared, jobs: 1 }, details, dump, context, (more) =>
      restoreSections(prepared, details, { source, dump, args: [...args, ...more] }, context),
    ),
  )
}

interface From {
  readonly source: ArtifactSource
  readonly dump: Dump
  readonly args: readonly string[]
}

async function restoreSections(
  place: LoadPlace,
  details: Loaded,
  { source, dump, args }: From,
  context: Context,
): Promise<void> {
  const run = (section: readonly string[], jobs: number, inner: Context): Promise<void> =>
    restoreDump({ ...place, jobs }, dump, [...args, ...section], inner)
  const rowJobs = source.sizeOf('dump') >= WORTH_JOBS ? place.jobs : 1
  if (details.lanes.length === 0) return run([], rowJobs, context)
  context.progress({ type: 'phase', phase: 'load', detail: 'tables' })
  await run(['--section=pre-data'], 1, context)
  context.progress({ type: 'phase', phase: 'load', detail: 'rows' })
  await allOrNone(context, [
    (inner) => run(['--section=data'], rowJobs, inner),
    (inner) => loadLanes(place, { all: details.lanes, encoding: details.encoding, frozen: true }, source, inner),
  ])
  context.progress({ type: 'phase', phase: 'load', detail: 'indexes and constraints' })
  await run(['--section=post-data'], place.jobs, context)
}
