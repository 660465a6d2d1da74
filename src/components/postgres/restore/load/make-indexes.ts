import type { Context } from '../../../../core/ports.ts'
import { withNamelessFile } from '../../../../system/files/anonymous-file.ts'
import { allOrNone } from '../../fingerprint/all-or-none.ts'
import { bytesOf } from '../../capture/dump-contents.ts'
import type { LoadTarget } from './load.ts'
import type { PostgresDetails } from '../../schema.ts'
import type { LoadedTables } from './loaded-tables.ts'
import { splitList, type SplitList } from './split-list.ts'
import type { Dump } from './staged-dump.ts'

/** Runs pg_restore on the dump with more arguments and so many jobs. */
export type Run = (more: readonly string[], jobs: number, context: Context) => Promise<void>

const POST_DATA = '--section=post-data'

/**
 * Which indexes have runs of their own. None where a point does not say so, where one session is all that is wanted, and of
 * a dump that is streamed: it would be read anew for each, and is loaded by one session.
 */
export function planIndexes(
  place: LoadTarget,
  { indexRuns = [] }: Pick<PostgresDetails, 'indexRuns'>,
  { dump, contents }: { readonly dump: Dump; readonly contents: string },
): SplitList | undefined {
  if (dump.kind === 'stream' || place.jobs === 1 || indexRuns.length === 0) return undefined
  return splitList(contents, indexRuns)
}

interface Early {
  readonly tables: LoadedTables
  readonly indexes: SplitList | undefined
  readonly run: Run
}

/** One makes indexes beside the lanes; the others begin when no lane needs the processors any more. */
export function earlyMakers(jobs: number, early: Early): ((context: Context) => Promise<void>)[] {
  return Array.from({ length: jobs }, (_, index) => async (context: Context) => {
    if (index > 0) await early.tables.ended()
    await makeEarly(early, context)
  })
}

/** One run for each table, so that how many there are does not depend on how fast anything is. */
async function makeEarly({ tables, indexes, run }: Early, context: Context): Promise<void> {
  for (let table = await tables.next(); table !== undefined; table = await tables.next()) {
    if (context.signal.aborted) return
    const lines = indexes?.early.get(table)
    if (lines !== undefined) await withList(lines, (list) => run([POST_DATA, list], 1, context))
  }
}

/**
 * All that comes after the rows and is not there yet. Tables with two indexes that lock it come first, each in one session:
 * pg_restore with several jobs makes both at once, where each waits for the other until the server ends one of them.
 */
export async function makeRest(
  indexes: SplitList | undefined,
  run: Run,
  jobs: number,
  context: Context,
): Promise<void> {
  if (indexes === undefined) return run([POST_DATA], jobs, context)
  const waiting = [...indexes.late]
  const work = async (inner: Context): Promise<void> => {
    for (let lines = waiting.shift(); lines !== undefined; lines = waiting.shift())
      await withList(lines, (list) => run([POST_DATA, list], 1, inner))
  }
  await allOrNone(
    context,
    Array.from({ length: Math.min(jobs, waiting.length) }, () => work),
  )
  await withList(indexes.rest, (list) => run([POST_DATA, list], jobs, context))
}

/** The last list that pg_restore is given counts. */
async function withList(lines: string, act: (list: string) => Promise<void>): Promise<void> {
  await withNamelessFile(bytesOf(lines), (path) => act(`--use-list=${path}`))
}
