import type { Context } from '../../../core/ports.ts'
import { withNamelessFile } from '../../../system/files/anonymous-file.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { allOrNone } from '../fingerprint/all-or-none.ts'
import { bytesOf } from '../capture/dump-contents.ts'
import { dumpContents, restoreDump, type LoadTarget } from './load/load.ts'
import type { PostgresDetails } from '../schema.ts'
import { loadRows } from './load/load-rows.ts'
import { LoadedTables } from './load/loaded-tables.ts'
import { earlyMakers, makeRest, planIndexes, type Run } from './load/make-indexes.ts'
import { withTemporaryGrants } from './temporary-grants.ts'
import { contentsLines, linesWithOperators, type ContentsLine } from './second-pass/entries/contents.ts'
import { FailedEntries } from './second-pass/entries/failed-entries.ts'
import { secondPasses, type SecondPasses } from './second-pass/passes.ts'
import { sentenceOf, type WayTaken } from './second-pass/way.ts'
import { readLoadSettings, type Meant } from './session-settings.ts'
import { withDump } from './load/staged-dump.ts'
import type { Dump } from './load/staged-dump.ts'
import { removeLeftovers } from './template-leftovers.ts'

/** A dump of fewer bytes is read by one process: more would take longer to start than to load it. */
const WORTH_JOBS = 4 * 1024 * 1024

type Loaded = Meant &
  Pick<
    PostgresDetails,
    'lanes' | 'encoding' | 'needs' | 'indexRuns' | 'owner' | 'settings' | 'roles' | 'fingerprint' | 'publicSchema'
  >

/**
 * Loads a dump and the rows that it leaves to lanes into an empty database that nobody else uses. pg_restore first makes
 * the tables, then loads its own rows beside the lanes, while it makes what indexes it can of those that are there, and at
 * last all other indexes, constraints and triggers, several at once. What the server refused is loaded again after each of
 * the three by other ways; gives the ways taken.
 */
export async function restoreStaged(
  place: LoadTarget,
  details: Loaded,
  source: ArtifactSource,
  args: readonly string[],
  context: Context,
): Promise<readonly WayTaken[]> {
  const prepared = { ...place, settings: await readLoadSettings(place, details, context) }
  await removeLeftovers(place, details, context)
  return withDump(source, context, async (dump) => {
    const contents = await dumpContents(prepared, dump, context)
    const taken: WayTaken[] = []
    await withTemporaryGrants({ ...prepared, jobs: 1 }, details, { dump, contents }, context, async (list) => {
      taken.push(...(await restoreList(prepared, details, { source, dump, list, args }, context)))
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

async function restoreList(
  place: LoadTarget,
  details: Loaded,
  { source, dump, list, args }: From,
  context: Context,
): Promise<readonly WayTaken[]> {
  const lines = contentsLines(list).filter(({ rest }) => place.leaveOut?.test(rest) !== true)
  const withPath = linesWithOperators(lines, details.fingerprint.depends)
  const failed = new FailedEntries()
  const pass = { dump, lines, details, withPath, source, accept: place.accept ?? [] }
  const again = secondPasses(pass, failed)
  const parts = partsOf(lines.filter(({ id }) => !withPath.has(id)))
  await withNamelessFile(bytesOf(parts.first), async (path) => {
    const runOn =
      (on: LoadTarget): Run =>
      (more, jobs, inner) =>
        restoreDump({ ...on, jobs }, dump, [...args, `--use-list=${path}`, ...more], inner, failed)
    await restoreSections(place, details, { source, dump, list: parts.first, runOn, again }, context)
  })
  for (const part of [parts.granted, parts.watching]) {
    if (part === '') continue
    await withNamelessFile(bytesOf(part), (path) =>
      restoreDump({ ...place, jobs: 1 }, dump, [...args, `--use-list=${path}`], context, failed),
    )
    await again.afterGrants(place, context)
  }
  return again.taken
}

/** An owner may not be allowed what his own index calls, and may need a grant to fill his view. */
const GRANTED = /^(?:ACL|DEFAULT ACL|MATERIALIZED VIEW DATA) /
/** An event trigger may refuse what is still to be done. */
const WATCHING = /^(?:EVENT TRIGGER|(?:COMMENT|SECURITY LABEL) - EVENT TRIGGER) /

/** In the order of pg_restore where it is asked for all at once: grants come behind all objects, and views are filled behind grants. */
function partsOf(lines: readonly ContentsLine[]) {
  const chosen = (wanted: (rest: string) => boolean): string =>
    lines.flatMap(({ line, rest }) => (wanted(rest) ? [line] : [])).join('\n')
  return {
    first: chosen((rest) => !GRANTED.test(rest) && !WATCHING.test(rest)),
    granted: chosen((rest) => GRANTED.test(rest)),
    watching: chosen((rest) => WATCHING.test(rest)),
  }
}

interface Sections {
  readonly source: ArtifactSource
  readonly dump: Dump
  readonly list: string
  readonly runOn: (place: LoadTarget) => Run
  readonly again: SecondPasses
}

async function restoreSections(
  place: LoadTarget,
  details: Loaded,
  { source, dump, list, runOn, again }: Sections,
  context: Context,
): Promise<void> {
  const rowJobs = source.sizeOf('dump') >= WORTH_JOBS ? place.jobs : 1
  const jobs = details.lanes.length === 0 ? rowJobs : place.jobs
  const indexes = planIndexes({ ...place, jobs }, details, { dump, contents: list })
  const phase = (detail: string): void => context.progress({ type: 'phase', phase: 'load', detail })
  phase('tables')
  await runOn(place)(['--section=pre-data'], 1, context)
  await again.afterTables(place, context)
  phase('rows')
  // What settings name may have been made meanwhile.
  const on = { ...place, settings: await readLoadSettings(place, details, context) }
  const run = runOn(on)
  const tables = new LoadedTables()
  const from = { source, list, run, jobs: rowJobs, onLoaded: tables.add, onRefused: again.addLanes }
  await allOrNone(context, [
    (inner) => loadRows(on, details, from, inner).finally(tables.end),
    ...earlyMakers(jobs, { tables, indexes, run }),
  ])
  await again.afterRows(on, context)
  phase('indexes and constraints')
  await makeRest(indexes, run, jobs, context)
  await again.afterIndexes(on, context)
}
