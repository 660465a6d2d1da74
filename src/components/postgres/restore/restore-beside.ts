import type { Context } from '../../../core/ports.ts'
import { allOrNone } from '../all-or-none.ts'
import type { ArtifactSource } from '../../driver.ts'
import { loadLanes } from '../lanes-load.ts'
import { restoreDump, type LoadPlace } from '../load.ts'
import type { PostgresDetails } from '../schema.ts'
import { LoadedTables } from './loaded-tables.ts'
import { earlyMakers, makeRest, planIndexes, type Run } from './make-indexes.ts'
import { withRoomForOwners } from './make-room-for-owners.ts'
import { withDump } from './staged-dump.ts'
import type { Dump } from './staged-dump.ts'
import { readLoadSettings } from './session-settings.ts'
import { removeLeftovers } from './template-leftovers.ts'

/** A dump of fewer bytes is read by one process: more would take longer to start than to load it. */
const WORTH_JOBS = 4 * 1024 * 1024

type Loaded = Pick<PostgresDetails, 'lanes' | 'encoding' | 'needs' | 'indexRuns' | 'publicSchema' | 'fingerprint'>

/**
 * Loads a dump and the rows that it leaves to lanes into an empty database that nobody else uses. Without lanes it is one
 * run of pg_restore. Else pg_restore first makes the tables, then loads its own rows beside the lanes, while it makes
 * what indexes it can of those that are there, and at last all other indexes, constraints and triggers, several at once.
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
  await removeLeftovers(place, details, context)
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
  const run: Run = (more, jobs, inner) => restoreDump({ ...place, jobs }, dump, [...args, ...more], inner)
  const rowJobs = source.sizeOf('dump') >= WORTH_JOBS ? place.jobs : 1
  const jobs = details.lanes.length === 0 ? rowJobs : place.jobs
  const indexes = await planIndexes({ ...place, jobs }, details, dump, context)
  if (details.lanes.length === 0 && indexes === undefined) return run([], rowJobs, context)
  const phase = (detail: string): void => context.progress({ type: 'phase', phase: 'load', detail })
  phase('tables')
  await run(['--section=pre-data'], 1, context)
  phase('rows')
  const tables = new LoadedTables()
  const lanes = { all: details.lanes, encoding: details.encoding, frozen: true, onLoaded: tables.add }
  await allOrNone(context, [
    (inner) => run(['--section=data'], rowJobs, inner),
    (inner) => loadLanes(place, lanes, source, inner).finally(tables.end),
    ...earlyMakers(jobs, { tables, indexes, run }),
  ])
  phase('indexes and constraints')
  await makeRest(indexes, run, jobs, context)
}
