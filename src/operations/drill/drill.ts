import type { AcceptId } from '../../core/accept-ids.ts'
import { isAboutTheData, toFailure } from '../../core/failure.ts'
import type { Difference } from '../../core/restore-point.ts'
import type { PointReader, Repository } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { summarize, type FailureSummary } from '../backup/report.ts'
import { isGoodFit, proveRestored, type RestoredFit } from '../key-fit/prove.ts'
import { authenticate, compareAll, loadAll, remarksOf } from '../restore/phases.ts'
import { compareDrilled, drilledContent, readContents, type DrilledContent } from '../restore/drilled-content.ts'
import { openTargets, type Restoring } from '../restore/targets.ts'
import { noteScratch, type ScratchRecord } from '../scratch/record.ts'
import { removeScratch } from '../scratch/remove.ts'

export interface DrillReport {
  readonly app: string
  readonly point: string
  /** `scratch`: a throw-away server and folder. `beside`: next to the live data on its own server. */
  readonly where: 'scratch' | 'beside'
  readonly ok: boolean
  readonly differences: readonly Difference[]
  /**
   * What of the data was compared. `counts`: numbers of rows only, as the backup left the content to drills and none had
   * kept it; `counts and an earlier drill`: the content also with what that one restored.
   */
  readonly compared: 'content' | 'counts' | 'counts and an earlier drill'
  readonly keyFit: readonly RestoredFit[]
  /** What was restored in another way than it was captured, or not at all, as the operator agreed. */
  readonly remarks: readonly string[]
  readonly failure?: FailureSummary
  readonly components: readonly {
    readonly name: string
    readonly kind: string
    readonly target: string
    readonly bytes: number
  }[]
  /** The time a restore of this point took here, from the first byte read to the last check passed. */
  readonly recoveryTimeMilliseconds: number
}

/**
 * Restores the point into a throw-away target, reads it again and compares it with what was captured, runs the app's own
 * checks, and removes the target. Success and failure both leave a signed proof.
 */
export async function executeDrill(
  app: App,
  repository: Repository,
  reader: PointReader,
  { where, accept }: { readonly where: DrillReport['where']; readonly accept?: readonly AcceptId[] | undefined },
  context: OperationContext,
): Promise<DrillReport> {
  const begun = context.clock.monotonic()
  const scratch = await context.scratchFolder()
  const restoreId = context.newId().slice(-8)
  const mode = where === 'scratch' ? 'scratch' : 'swap'
  let targets: readonly Restoring[] = []
  let record: ScratchRecord | undefined
  try {
    targets = await openTargets(app, reader, { mode, restoreId, scratchFolder: scratch.path, accept }, context)
    record = await noteScratch(noteOf(reader, { restoreId, mode, folder: scratch.path }, targets), context)
    const { contents, ...outcome } = await rehearse(app, { repository, reader }, targets, context)
    const report = reportOf(reader, targets, where, outcome, Math.round(context.clock.monotonic() - begun))
    await repository.prove(
      report.point,
      'drill',
      {
        ok: report.ok,
        facts: {
          where,
          recoveryTimeMilliseconds: report.recoveryTimeMilliseconds,
          differences: report.differences.length,
          ...(report.compared === 'content' ? {} : { compared: report.compared, content: contents }),
          ...(report.remarks.length === 0 ? {} : { remarks: report.remarks.length }),
          ...rehearsedBy(targets),
          // Proofs can be read by everybody, so that what the key fits are called is not in them.
          ...(report.keyFit.length === 0 ? {} : { keyFit: report.keyFit.map(({ verdict }) => verdict) }),
        },
      },
      context,
    )
    return report
  } finally {
    // Also after Ctrl-C: a throw-away server must not outlive its drill.
    const afterwards = { ...context, signal: new AbortController().signal }
    if (record === undefined) await scratch.remove()
    else await removeScratch(app, record, targets, afterwards)
  }
}

function noteOf(
  { commit: { app, point } }: PointReader,
  place: Pick<ScratchRecord, 'restoreId' | 'mode' | 'folder'>,
  targets: readonly Restoring[],
): Parameters<typeof noteScratch>[0] {
  return { app, point, purpose: 'drill', ...place, components: targets.map(({ name }) => name) }
}

function rehearsedBy(targets: readonly Restoring[]): { readonly rehearsed?: readonly string[] } {
  const rehearsed = targets.flatMap(({ target }) => target.rehearsed?.() ?? [])
  return rehearsed.length === 0 ? {} : { rehearsed }
}

interface Outcome extends Pick<DrillReport, 'compared'> {
  readonly differences: readonly Difference[]
  readonly contents: DrilledContent
  readonly keyFit: readonly RestoredFit[]
  readonly failure?: FailureSummary
}

interface Drilled {
  readonly repository: Repository
  readonly reader: PointReader
}

async function rehearse(
  app: App,
  { repository, reader }: Drilled,
  targets: readonly Restoring[],
  context: OperationContext,
): Promise<Outcome> {
  try {
    await authenticate(reader, targets, 'beside', context)
    await loadAll(targets, context)
    const differences = await compareAll(targets, context)
    const contents = await readContents(reader, targets, context)
    const earlier = drilledContent(await proofsOf(repository, reader, context))
    return {
      differences: [...differences, ...compareDrilled(earlier, contents)],
      contents,
      compared: comparedOf(contents, earlier?.content),
      keyFit: await proveRestored(app, reader, targets, context),
    }
  } catch (error) {
    const failure = toFailure(error)
    // A drill that was stopped, had no room, or could not reach what it needs proves nothing about the point.
    if (context.signal.aborted || !isAboutTheData(failure)) throw failure
    return { differences: [], contents: {}, compared: 'content', keyFit: [], failure: summarize(failure) }
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

function reportOf(
  reader: PointReader,
  targets: readonly Restoring[],
  where: DrillReport['where'],
  outcome: Omit<Outcome, 'contents'>,
  recoveryTimeMilliseconds: number,
): DrillReport {
  return {
    app: reader.commit.app,
    point: reader.commit.point,
    where,
    ok: outcome.failure === undefined && outcome.differences.length === 0 && outcome.keyFit.every(isGoodFit),
    ...outcome,
    remarks: remarksOf(targets),
    components: targets.map(({ name, kind, target, bytes }) => ({ name, kind, target: target.description, bytes })),
    recoveryTimeMilliseconds,
  }
}
