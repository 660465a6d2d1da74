import type { AcceptId } from '../../../../core/accept-ids.ts'
import type { ArtifactSource } from '../../../transfer.ts'
import { isFailure } from '../../../../core/failure.ts'
import type { Bytes, Context } from '../../../../core/ports.ts'
import { allOrNone } from '../../fingerprint/all-or-none.ts'
import { DUMP_ROLE } from '../../capture/capture.ts'
import type { Server } from '../../connection/connection.ts'
import { pipeToTool } from '../../tools/pipe-to-tool.ts'
import { loadLanes } from './lanes-load.ts'
import { contentsLines } from '../second-pass/entries/contents.ts'
import { FailedEntries } from '../second-pass/entries/failed-entries.ts'
import type { SecondPass } from '../second-pass/pass.ts'
import { secondPasses } from '../second-pass/passes.ts'
import type { WayTaken } from '../second-pass/way.ts'
import { readLoadSettings, type Meant } from '../session-settings.ts'
import type { Dump } from './staged-dump.ts'
import type { PostgresDetails } from '../../schema.ts'
import { runTool } from '../../tools/tool-run.ts'
import type { ToolCall, ToolLimits } from '../../tools/tool-run.ts'
import type { Tools } from '../../tools/tools.ts'
import type { SessionSettings } from '../../connection/unhindered.ts'

/** The database that a dump is loaded into. */
export interface LoadTarget {
  readonly server: Server
  readonly database: string
  readonly tools: Tools
  readonly limits: ToolLimits
  /** Sessions that load at once. */
  readonly jobs: number
  /** Of the sessions that load. */
  readonly settings?: SessionSettings
  /** What the operator agreed to restore without; see second-pass/way.ts. */
  readonly accept?: readonly AcceptId[]
  /** Entries of the dump that are not loaded, by kind, schema and name. */
  readonly leaveOut?: RegExp
  /** Definitions are tried and thrown away: owners make their objects themselves, wherever they can. */
  readonly isRehearsal?: boolean
}

/**
 * Runs pg_restore on the dump: no psql, and only the custom format (pg_restore loops forever on a damaged tar). Resolves
 * only if pg_restore ended well and a dump that is streamed ended well too, which is when its whole content is known to be
 * authentic. Otherwise the error that came first is thrown, and the database holds no one knows what, unless `args` ask
 * for a single transaction. With `failed` pg_restore goes on behind entries that the server refuses, and they are in there.
 */
export async function restoreDump(
  place: LoadTarget,
  dump: Dump,
  args: readonly string[],
  context: Context,
  failed?: FailedEntries,
): Promise<void> {
  if (dump.kind === 'stream') return restoreStream(place, dump.read(), args, context, failed)
  const jobs = place.jobs === 1 ? [] : [`--jobs=${place.jobs}`]
  const call = callOf(place, [...args, ...jobs], { file: dump.path, failed })
  await context.effects.run('pg_restore', () => runOn(call, context, failed))
}

/** Each run of pg_restore has a list of its own, since several may run at once. */
async function runOn(
  call: ToolCall,
  context: Context,
  failed: FailedEntries | undefined,
  input?: Bytes,
): Promise<void> {
  if (failed === undefined) return void (await runTool(call, context, input))
  const run = failed.begin()
  try {
    await runTool({ ...call, onErrorText: run.take }, context, input)
  } catch (error) {
    if (!isFailure(error, 'toolFailed') || !run.isWhole()) throw error
  }
}

/** The list of contents of a dump, as pg_restore prints it. A dump that is streamed is read to its end for it. */
export async function dumpContents(place: LoadTarget, dump: Dump, context: Context): Promise<string> {
  const call = (file?: string): ToolCall => ({
    ...callOf(place, [], { file }),
    args: ['--format=custom', '--list'],
  })
  if (dump.kind === 'file') return (await runTool(call(dump.path), context)).stdout
  let list = ''
  await pipeToTool(dump.read(), async (input) => {
    list = (await runTool(call(), context, input)).stdout
  })
  return list
}

/** Feeds the dump to pg_restore as it is read, without a file. */
async function restoreStream(
  place: LoadTarget,
  content: Bytes,
  args: readonly string[],
  context: Context,
  failed?: FailedEntries,
): Promise<void> {
  await context.effects.run('pg_restore', () =>
    pipeToTool(content, (input) => runOn(callOf(place, args, { failed }), context, failed, input)),
  )
}

/** Building an index is silent, so only the total limit ends pg_restore; the source has idle limits of its own. */
function callOf(
  place: LoadTarget,
  args: readonly string[],
  { file, failed }: { readonly file?: string | undefined; readonly failed?: FailedEntries | undefined } = {},
): ToolCall {
  const { tools, server, database, limits, settings } = place
  // Only then it says which entry an error is of.
  const atError = failed === undefined ? ['--exit-on-error'] : ['--verbose']
  return {
    tools,
    program: 'pg_restore',
    args: ['--format=custom', ...atError, ...args],
    server,
    database,
    limits: { ...limits, idleLimit: limits.totalLimit },
    ...(file === undefined ? {} : { file }),
    ...(settings === undefined ? {} : { settings }),
  }
}

/**
 * Loads over a live database with one session at a time: as one transaction, or `inSteps`, where there are lanes, which a
 * transaction cannot hold, or no room for what is live and what is loaded at once. In steps, rows and what follows them
 * that the server refuses are loaded again by other ways, and definitions where the operator agreed to steps; gives the ways taken.
 */
export async function restoreOver(
  database: LoadTarget,
  details: Meant & SecondPass['details'] & Pick<PostgresDetails, 'lanes'>,
  source: ArtifactSource,
  { args, inSteps }: { readonly args: readonly string[]; readonly inSteps: boolean },
  context: Context,
): Promise<readonly WayTaken[]> {
  const { lanes, encoding } = details
  const place = { ...database, settings: await readLoadSettings(database, details, context) }
  const failed = new FailedEntries()
  const restore = (more: readonly string[], inner: Context, tolerant?: FailedEntries): Promise<void> =>
    restoreStream(place, source.read(DUMP_ROLE), [...argsFor(tolerant), ...more], inner, tolerant)
  // A transaction ends with its first error.
  const argsFor = (tolerant: FailedEntries | undefined): readonly string[] =>
    tolerant === undefined ? args : args.filter((one) => one !== '--single-transaction')
  if (!inSteps) return restore([], context).then(() => [])
  const dump: Dump = { kind: 'stream', read: () => source.read(DUMP_ROLE) }
  const contents = contentsLines(await dumpContents(place, dump, context))
  const again = secondPasses(
    { dump, lines: contents, details, withPath: new Map(), source, accept: place.accept ?? [] },
    failed,
  )
  const makeTables = (tolerant?: FailedEntries): Promise<void> => restore(['--section=pre-data'], context, tolerant)
  await makeTables().catch(async (error: unknown) => {
    if (place.accept?.includes('in-steps') !== true || !isOfMaking(error)) throw error
    await makeTables(failed)
  })
  await again.afterTables(place, context)
  await allOrNone(context, [
    (inner) => restore(['--section=data'], inner, failed),
    (inner) => loadLanes(place, { all: lanes, encoding, frozen: false, onRefused: again.addLanes }, source, inner),
  ])
  await again.afterRows(place, context)
  await restore(['--section=post-data'], context, failed)
  await again.afterIndexes(place, context)
  return again.taken
}

/** What cannot be dropped is still in use, and everything else of it with it: only what cannot be made is left to other ways. */
function isOfMaking(error: unknown): boolean {
  return isFailure(error, 'toolFailed') && /^Command was: CREATE (?!OR REPLACE VIEW)/m.test(error.message)
}

/** Reads all artifacts and keeps nothing: afterwards their whole content is known to be authentic. */
export async function readWhole(source: ArtifactSource): Promise<void> {
  for (const role of source.roles) for await (const chunk of source.read(role)) void chunk
}
