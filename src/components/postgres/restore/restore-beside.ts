import type { Context } from '../../../core/ports.ts'
import { allOrNone } from '../all-or-none.ts'
import type { ArtifactSource } from '../../driver.ts'
import { bytesOf } from '../dump-contents.ts'
import { loadLanes } from '../lanes-load.ts'
import { dumpContents, restoreDump, type LoadPlace } from '../load.ts'
import type { PostgresDetails } from '../schema.ts'
import { withNamelessFile } from '../../../system/nameless-file.ts'
import { LoadedTables } from './loaded-tables.ts'
import { earlyMakers, makeRest, planIndexes, type Run } from './make-indexes.ts'
import { withRoomForOwners } from './make-room-for-owners.ts'
import { contentsLines, linesWithOperators } from './second-pass/contents.ts'
import { FailedEntries } from './second-pass/failed-entries.ts'
import type { SecondPass } from './second-pass/pass.ts'
import { loadAgain } from './second-pass/second-pass.ts'
import { sentenceOf, type WayTaken } from './second-pass/way.ts'
import { withDump } from './staged-dump.ts'
import type { Dump } from './staged-dump.ts'
import { readLoadSettings } from './session-settings.ts'

/** A dump of fewer bytes is read by one process: more would take longer to start than to load it. */
const WORTH_JOBS = 4 * 1024 * 1024

type Loaded = Pick<
  PostgresDetails,
  'lanes' | 'encoding' | 'needs' | 'indexRuns' | 'owner' | 'settings' | 'roles' | 'fingerprint'
>

/**
 * Loads a dump and the rows that it leaves to lanes into an empty database that nobody else uses. pg_restore first makes
 * the tables, then loads its own rows beside the lanes, while it makes what indexes it can of those that are there, and at
 * last all other indexes, constraints and triggers, several at once. What pg_restore could not load is loaded again after
 * each of the three by other ways; gives the ways taken.
 */
export async function restoreBeside(
  place: LoadPlace,
  details: Loaded,
  source: ArtifactSource,
  args: readonly string[],
  context: Context,
): Promise<readonly WayTaken[]> {
  const settings = await readLoadSettings(place.server, place.database, place.jobs, context)
  const prepared = { ...place, settings }
  return withDump(source, context, async (dump) => {
    const contents = await dumpContents(prepared, dump, context)
    const taken: WayTaken[] = []
    await withRoomForOwners({ ...prepared, jobs: 1 }, details, { dump, contents }, context, async (list) => {
      taken.push(...(await restoreSections(prepared, details, { source, dump, list, args }, context)))
    })
    for (const way of taken) context.progress({ type: 'warning', message: sentenceOf(way) })
    return taken
  })
}

interface From {
  readonly source: ArtifactSource
  readonly dump: Dump
  /** The list of contents, without what is there already. */
  readonly list: string
  readonly args: readonly string[]
}

async function restoreSections(
  place: LoadPlace,
  details: Loaded,
  { source, dump, list, args }: From,
  context: Context,
): Promise<readonly WayTaken[]> {
  const lines = contentsLines(list)
  const withPath = linesWithOperators(lines, details.fingerprint.depends)
  const first = lines.filter(({ id }) => !withPath.has(id)).map(({ line }) => line)
  const failed = new FailedEntries()
  const pass: SecondPass = { place, dump, lines, details, withPath, accept: place.accept ?? [] }
  const again = passes(pass, failed, context)
  await withNamelessFile(bytesOf(first.join('\n')), async (path) => {
    const run: Run = (more, jobs, inner) =>
      restoreDump({ ...place, jobs }, dump, [...args, `--use-list=${path}`, ...more], inner, failed)
    await loadSections(place, details, { source, dump, list: first.join('\n'), run, again }, context)
  })
  return again.taken
}

/** The second pass after each section, and what it did. */
function passes(pass: SecondPass, failed: FailedEntries, context: Context) {
  const taken: WayTaken[] = []
  const isOf: Readonly<Record<Section, (rest: string) => boolean>> = {
    'pre-data': (rest) => !isPostData(rest),
    data: () => false,
    'post-data': isPostData,
  }
  const after = async (section: Section): Promise<void> => {
    const left = new Map(failed.drain())
    for (const { id, rest } of pass.lines) if (pass.withPath.has(id) && isOf[section](rest)) left.set(id, '')
    taken.push(...(await loadAgain(pass, left, context)))
  }
  return { after, taken }
}

type Section = 'pre-data' | 'data' | 'post-data'

/** Of the kinds that can use an operator without naming it. */
function isPostData(rest: string): boolean {
  return /^(?:INDEX|CONSTRAINT|CHECK CONSTRAINT|FK CONSTRAINT|TRIGGER|RULE|POLICY|STATISTICS|MATERIALIZED VIEW DATA) /.test(
    rest,
  )
}

interface Sections {
  readonly source: ArtifactSource
  readonly dump: Dump
  readonly list: string
  readonly run: Run
  readonly again: { readonly after: (section: Section) => Promise<void> }
}

async function loadSections(
  place: LoadPlace,
  details: Loaded,
  { source, dump, list, run, again }: Sections,
  context: Context,
): Promise<void> {
  const rowJobs = source.sizeOf('dump') >= WORTH_JOBS ? place.jobs : 1
  const jobs = details.lanes.length === 0 ? rowJobs : place.jobs
  const indexes = planIndexes({ ...place, jobs }, details, { dump, contents: list })
  const phase = (detail: string): void => context.progress({ type: 'phase', phase: 'load', detail })
  phase('tables')
  await run(['--section=pre-data'], 1, context)
  await again.after('pre-data')
  phase('rows')
  const tables = new LoadedTables()
  const lanes = { all: details.lanes, encoding: details.encoding, frozen: true, onLoaded: tables.add }
  await allOrNone(context, [
    (inner) => run(['--section=data'], rowJobs, inner),
    (inner) => loadLanes(place, lanes, source, inner).finally(tables.end),
    ...earlyMakers(jobs, { tables, indexes, run }),
  ])
  await again.after('data')
  phase('indexes and constraints')
  await makeRest(indexes, run, jobs, context)
  await again.after('post-data')
}
