import { isAboutTheData, toFailure, type Failure } from '../../core/failure.ts'
import type { Difference } from '../../core/restore-point.ts'
import type { PointCommit, PointReader, Repository } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { summarize } from '../backup/report.ts'
import { proveRestored } from '../key-fit/prove.ts'
import { findOrdered } from '../points/find-point.ts'
import { openForProof } from '../proof/open-for-proof.ts'
import { recordVerdict } from '../proof/record-verdict.ts'
import { authenticate, compareAll, loadAll, remarksOf } from '../restore/phases.ts'
import { compareDrilled, drilledContent, readContents, type DrilledContent } from '../restore/drilled-content.ts'
import { openTargets, type ComponentRestore } from '../restore/targets.ts'
import { noteScratch, type ScratchRecord } from '../scratch/record.ts'
import { removeScratch } from '../scratch/remove.ts'
import type { DrillOrder } from './order.ts'
import { outcomeOf, proofOf, type DrillReport, type Rehearsed } from './report.ts'

/** What is to be drilled. */
interface Drill {
  readonly app: App
  readonly repository: Repository
  readonly about: PointCommit
  readonly order: DrillOrder
  readonly begun: number
}

/**
 * Restores the point into a throw-away target, reads it again and compares it with what was captured, runs the app's own
 * checks, and removes the target. Success and failure both leave a signed proof, and so does a point that cannot be opened.
 */
export async function runDrill(app: App, order: DrillOrder, context: OperationContext): Promise<DrillReport> {
  const { repository, point: about } = await findOrdered(app, order, context)
  const drill = { app, repository, about, order, begun: context.clock.monotonic() }
  const { reader, damage } = await openForProof(repository, order.point, context)
  return reader === undefined
    ? await conclude(drill, unopened(damage), context)
    : await drillOpened(drill, reader, context)
}

function unopened(damage: Failure): Rehearsed {
  return { ...NOTHING, missing: [], components: [], remarks: [], rehearsed: [], failure: summarize(damage) }
}

async function drillOpened(drill: Drill, reader: PointReader, context: OperationContext): Promise<DrillReport> {
  const { app, order } = drill
  const { drillId: restoreId, accept } = order
  const scratch = await context.scratchFolder()
  const mode = order.where === 'scratch' ? ('scratch' as const) : ('swap' as const)
  let targets: readonly ComponentRestore[] = []
  let record: ScratchRecord | undefined
  // Also after Ctrl-C: a throw-away server must not outlive its drill.
  const afterwards = { ...context, signal: new AbortController().signal }
  const clean = (): Promise<void> =>
    record === undefined ? scratch.remove() : removeScratch(app, record, targets, afterwards)
  try {
    const request =
      mode === 'swap' ? { mode, restoreId, accept } : { mode, restoreId, scratchFolder: scratch.path, accept }
    targets = await openTargets(app, reader, request, context)
    record = await noteScratch(recordOf(reader, { restoreId, mode, folder: scratch.path }, targets), context)
    const report = await conclude(drill, await rehearse(drill, reader, targets, context), context)
    return { ...report, ...(await cleaned(clean)) }
  } catch (error) {
    await clean()
    throw error
  }
}

/** The verdict stands and is recorded: what is left behind is told beside it. */
async function cleaned(clean: () => Promise<void>): Promise<Pick<DrillReport, 'cleanupFailure'>> {
  try {
    await clean()
    return {}
  } catch (error) {
    return { cleanupFailure: summarize(toFailure(error)) }
  }
}

function recordOf(
  { commit: { app, point } }: PointReader,
  place: Pick<ScratchRecord, 'restoreId' | 'mode' | 'folder'>,
  targets: readonly ComponentRestore[],
): Parameters<typeof noteScratch>[0] {
  return { app, point, purpose: 'drill', ...place, components: targets.map(({ name }) => name) }
}

/** Makes the report of what was found out, and signs it. */
async function conclude(drill: Drill, found: Rehearsed, context: OperationContext): Promise<DrillReport> {
  const { repository, about, order, begun } = drill
  const { contents: _contents, rehearsed: _rehearsed, ...rest } = found
  const { app, point } = about.commit
  const outcome = outcomeOf(found)
  const durationMilliseconds = Math.round(context.clock.monotonic() - begun)
  const report = {
    app,
    point,
    ...noteOf(about.commit),
    where: order.where,
    outcome,
    ok: outcome === 'restored',
    ...rest,
    recoveryTimeMilliseconds: found.failure === undefined ? durationMilliseconds : null,
    durationMilliseconds,
  }
  return { ...report, ...(await recordVerdict(repository, about, 'drill', proofOf(report, found), context)) }
}

const NOTHING = { differences: [], contents: {}, compared: 'content', keyFit: [] } as const

async function rehearse(
  drill: Drill,
  reader: PointReader,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<Rehearsed> {
  const loaded = new Set<string>()
  const found = await find(drill, reader, targets, loaded, context)
  return {
    ...found,
    missing: reader.manifest.missing,
    components: targets.map(({ name, kind, target, bytes }) => ({
      name,
      kind,
      target: target.description,
      bytes: loaded.has(name) ? bytes : 0,
    })),
    remarks: remarksOf(targets),
    rehearsed: targets.flatMap(({ target }) => target.rehearsed?.() ?? []),
  }
}

type Found = Pick<Rehearsed, 'differences' | 'contents' | 'compared' | 'keyFit' | 'failure'>

async function find(
  { app, repository }: Drill,
  reader: PointReader,
  targets: readonly ComponentRestore[],
  loaded: Set<string>,
  context: OperationContext,
): Promise<Found> {
  let differences: readonly Difference[] = []
  try {
    const earlier = drilledContent(await proofsOf(repository, reader, context))
    await authenticate(reader, targets, 'staged', context)
    await loadAll(targets, context, ({ name }) => loaded.add(name))
    differences = await compareAll(targets, context)
    const contents = await readContents(reader, targets, context)
    return {
      differences: [...differences, ...compareDrilled(earlier, contents)],
      contents,
      compared: comparedOf(contents, earlier?.content),
      keyFit: await proveRestored(app, reader, targets, context),
    }
  } catch (error) {
    const failure = toFailure(error)
    // What was found to differ stays found, whatever failed after it.
    if (context.signal.aborted || (differences.length === 0 && !isAboutTheData(failure))) throw failure
    return { ...NOTHING, differences, failure: summarize(failure) }
  }
}

async function proofsOf(repository: Repository, { commit }: PointReader, context: OperationContext) {
  const { points } = await repository.catalog(context)
  return points.find(({ point }) => point === commit.point)?.proofs ?? []
}

function comparedOf(contents: DrilledContent, earlier: DrilledContent | undefined): DrillReport['compared'] {
  const left = Object.keys(contents)
  if (left.length === 0) return 'content'
  return left.every((name) => earlier?.[name] !== undefined) ? 'counts and an earlier drill' : 'counts'
}
