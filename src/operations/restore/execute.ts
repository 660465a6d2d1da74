import { toFailureUnder } from '../../core/cancelled.ts'
import { describe, toFailure } from '../../core/failure.ts'
import type { Difference } from '../../core/restore-point.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { summarize } from '../backup/report.ts'
import { proveRestored, refuseMisfits, refuseRecorded, type RestoredFit } from '../key-fit/prove.ts'
import { noteRestored } from '../lineage/server-notes.ts'
import { beginHooks, endHooks, endHooksAfterFailure } from '../hooks/hooks.ts'
import { noteHeld, noteLive, release } from '../pause/hold.ts'
import { stopWorkloads } from '../pause/workloads.ts'
import { intoOptions } from '../../core/texts/into-text.ts'
import { enterStage, type RestoreJournal, type RestoreStage } from './journal.ts'
import {
  areSwapped,
  authenticate,
  compareAll,
  differenceFailure,
  fenceAll,
  isLiveAsBefore,
  loadAll,
  remarksOf,
  reopenAll,
  rollBack,
  swapAll,
} from './phases.ts'
import { allKept } from '../undo/undo-all.ts'
import type { RestoreOrder } from './order.ts'
import { missingOf } from './missing.ts'
import type { RestoreReport } from './report.ts'
import { mixed, notOpen, unchanged, unfinished } from './stopped/failures.ts'
import { makeSafetyPoint } from './safety-point/safety-point.ts'
import { abandonAll, stopAll, watchAll } from './watches.ts'
import type { ComponentRestore } from './targets.ts'

/**
 * Restores what the order says. Until `fencing` the live data is not touched. Whatever fails, the live data afterwards is
 * the old or the restored, whole; when this process dies, `resumeRestore` finishes or takes back what it began.
 */
export async function executeRestore(
  app: App,
  reader: PointReader,
  targets: readonly ComponentRestore[],
  order: RestoreOrder,
  context: OperationContext,
): Promise<RestoreReport> {
  const run = new RestoreRun(
    order,
    { missing: missingOf(reader, order.chosen), journal: await newJournal(order, targets, context) },
    context,
  )
  const prove = async (): Promise<void> =>
    run.proven(await proveRestored(app, reader, targets, context), order.acceptedMisfits ?? [])
  try {
    await authenticate(reader, targets, order.mode === 'in-place' ? 'live' : 'staged', context)
    if (order.mode === 'in-place') refuseRecorded(app.name, reader, targets, order.acceptedMisfits ?? [])
    if (order.safetyPoint) run.saved(await makeSafetyPoint(app, context))
    if (order.mode === 'in-place') await overwrite(app, run, prove, targets, context)
    else await loadBeside(run, prove, targets, context)
    if (order.mode === 'swap') await activate(app, run, targets, context)
    if (order.mode !== 'stage') await noteRestored(app, namesOf(targets), context)
    return { ...run.report('done', targets), previous: await keptFor(app, order.restoreId, context) }
  } catch (error) {
    return await stop(app, run, targets, error, context)
  }
}

const namesOf = (targets: readonly ComponentRestore[]): readonly string[] => targets.map(({ name }) => name)

/** What the restore set aside. That it cannot be listed is no reason to call a restore that is live a failure. */
export async function keptFor(app: App, restoreId: string, context: OperationContext): Promise<readonly string[]> {
  try {
    const kept = (await allKept(app, context)).filter((one) => one.kept.restoreId === restoreId)
    return kept.flatMap(({ kept: { description, wasNothing } }) => (wasNothing === true ? [] : [description]))
  } catch (error) {
    context.progress({ type: 'warning', message: `what is retained for undo cannot be listed: ${describe(error)}` })
    return []
  }
}

/** Whether the keys open what was loaded; throws when they do not. */
type Prove = () => Promise<void>

async function loadBeside(
  run: RestoreRun,
  prove: Prove,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<void> {
  await run.enter('loading')
  await loadAll(targets, context, run.loaded)
  run.compared(await compareAll(targets, context))
  await prove()
  // From here on the data beside is proven; a resumed run may swap it in.
  await run.enter('staged')
}

/** The steps that the application notices. A run that dies in here is taken forward by `resumeRestore`. */
export async function activate(
  app: App,
  run: RestoreRun,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<void> {
  const watches = await watchAll(targets, context)
  try {
    // Writers may be in the restored data already when a run died while reopening: they are not locked out once more.
    if (run.stage !== 'reopening' || !(await areSwapped(targets, context)))
      await fenceAndSwap(app, run, targets, context)
    await finish(app, run, targets, context)
  } catch (error) {
    // What is fenced has to be opened again: nobody waits for an answer.
    await abandonAll(watches)
    throw error
  }
  run.sawSilence(await stopAll(watches))
}

/** Lets writers in and closes the journal. All that is left of a restore, by swap or in place, that died here. */
export async function finish(
  app: App,
  run: RestoreRun,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<void> {
  await reopenAll(targets, context)
  await release(app, run.id, context)
  await endHooks(app, run.id, 'done', context)
  await run.enter('done')
}

/** Record and journal come before the fence and before the first stop: a machine that dies then must be told what to open and start. */
async function lockOut(
  app: App,
  run: RestoreRun,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<void> {
  const { id, safetyPoint } = run
  const holder = { operation: 'restore', id, components: namesOf(targets), safetyPoint } as const
  await beginHooks(app, { kind: 'Restore', operation: 'restore', id }, context)
  const workloads = await noteHeld(app, holder, context)
  await run.enter('fencing')
  await stopWorkloads(app, workloads, context)
  await fenceAll(targets, context)
}

async function fenceAndSwap(
  app: App,
  run: RestoreRun,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<void> {
  await lockOut(app, run, targets, context)
  await noteLive(app, run.id, 'unsure', context)
  await run.enter('swapping')
  await swapAll(targets, context)
  await noteLive(app, run.id, 'restored', context)
  await run.enter('reopening')
}

/** In place there is no side copy: the fence comes first, and a failure leaves what the safety point must repair. */
async function overwrite(
  app: App,
  run: RestoreRun,
  prove: Prove,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<void> {
  await lockOut(app, run, targets, context)
  await noteLive(app, run.id, 'unsure', context)
  await run.enter('loading')
  await loadAll(targets, context, run.loaded)
  run.compared(await compareAll(targets, context))
  await prove()
  await noteLive(app, run.id, 'restored', context)
  await run.enter('reopening')
  await finish(app, run, targets, context)
}

async function stop(
  app: App,
  run: RestoreRun,
  targets: readonly ComponentRestore[],
  error: unknown,
  context: OperationContext,
): Promise<RestoreReport> {
  const failure = toFailureUnder(error, context.signal)
  if (run.stage === 'planned') {
    // In place a hook may have been first.
    await endHooksAfterFailure(app, run.id, { ...context, signal: new AbortController().signal })
    throw failure
  }
  // Nobody is left locked out of data that is proven and live: only to open it is left to do.
  if (run.stage === 'reopening' && failure.kind === 'cancelled') return await openAll(app, run, targets, context)
  // Once writers are in the restored data, taking it back would lose what they wrote; the operator decides with undo.
  if (run.stage === 'reopening') throw notOpen(run, failure)
  const afterwards = { ...context, signal: new AbortController().signal }
  const isLoading = run.mode === 'in-place' && run.stage === 'loading'
  const live = isLoading && !(await isLiveAsBefore(targets, afterwards)) ? 'may be mixed' : 'as before'
  const told = live === 'may be mixed' ? mixed(run, failure) : isLoading ? unchanged(failure) : failure
  try {
    if (run.mode === 'in-place') await reopenAll(targets, afterwards)
    else await rollBack(targets, 'forgotten', afterwards)
    await noteLive(app, run.id, live === 'as before' ? 'before' : 'unsure', afterwards)
    await release(app, run.id, afterwards)
    await endHooksAfterFailure(app, run.id, afterwards)
    await run.enter('abandoned')
  } catch (cause) {
    throw unfinished(run, told, cause)
  }
  if (failure.kind === 'cancelled') throw told
  return { ...run.report('stopped', targets), live, failure: summarize(told) }
}

/** What is left of a restore that was stopped while it opened the restored data. */
async function openAll(
  app: App,
  run: RestoreRun,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<RestoreReport> {
  const afterwards = { ...context, signal: new AbortController().signal }
  try {
    await finish(app, run, targets, afterwards)
  } catch (error) {
    throw notOpen(run, toFailure(error))
  }
  return run.report('done', targets)
}

/** The journal of one run, with its times. */
export class RestoreRun {
  #journal: RestoreJournal
  readonly #context: OperationContext
  readonly #order: Pick<RestoreOrder, 'mode'>
  readonly #missing: readonly string[]
  readonly #begun: number
  #fencedAt: number | undefined
  #openedAt: number | undefined
  #silence: number | undefined
  #differences: readonly Difference[] = []
  #keyFit: readonly RestoredFit[] = []
  #loadedBytes = 0

  constructor(
    order: Pick<RestoreOrder, 'mode'>,
    { missing, journal }: { readonly missing: readonly string[]; readonly journal: RestoreJournal },
    context: OperationContext,
  ) {
    this.#context = context
    this.#order = order
    this.#missing = missing
    this.#begun = context.clock.monotonic()
    this.#journal = journal
  }

  get stage(): RestoreStage {
    return this.#journal.stage
  }

  get app(): string {
    return this.#journal.app
  }

  get id(): string {
    return this.#journal.restoreId
  }

  /** The command of this restore and of its place. */
  get command(): string {
    return `holdfast restore ${this.app}${intoOptions(this.#journal.into)}`
  }

  get safetyPoint(): string | null {
    return this.#journal.safetyPoint
  }

  get mode(): RestoreOrder['mode'] {
    return this.#order.mode
  }

  async enter(stage: RestoreStage): Promise<void> {
    if (stage === 'fencing') this.#fencedAt ??= this.#context.clock.monotonic()
    if (stage === 'done') this.#openedAt = this.#context.clock.monotonic()
    this.#journal = await enterStage(this.#journal, stage, this.#context.records, this.#context.clock)
  }

  saved(safetyPoint: string | null): void {
    this.#journal = { ...this.#journal, safetyPoint }
  }

  /** Any difference stops the run here, before anything live was touched. */
  readonly loaded = ({ bytes }: ComponentRestore): void => {
    this.#loadedBytes += bytes
  }

  compared(differences: readonly Difference[]): void {
    this.#differences = differences
    if (differences.length > 0) throw differenceFailure(this.app, differences)
  }

  sawSilence(milliseconds: number | undefined): void {
    this.#silence = milliseconds
  }

  /** A key that does not fit stops the run here, before anything live was touched. */
  proven(keyFit: readonly RestoredFit[], accepted: readonly string[]): void {
    this.#keyFit = keyFit
    refuseMisfits(this.app, keyFit, accepted)
  }

  report(outcome: RestoreReport['outcome'], targets: readonly ComponentRestore[]): RestoreReport {
    const { restoreId, app, point, safetyPoint, into } = this.#journal
    const now = this.#context.clock.monotonic()
    const downtime = this.#fencedAt === undefined ? 0 : (this.#openedAt ?? now) - this.#fencedAt
    return {
      restoreId,
      app,
      point,
      mode: this.#order.mode,
      ...(into === undefined ? {} : { into }),
      outcome,
      live: outcome === 'done' && this.#order.mode !== 'stage' ? 'restored' : 'as before',
      previous: [],
      safetyPoint,
      missing: this.#missing,
      bytes: outcome === 'done' ? targets.reduce((sum, { bytes }) => sum + bytes, 0) : this.#loadedBytes,
      durationMilliseconds: Math.round(now - this.#begun),
      downtimeMilliseconds: Math.round(downtime),
      clientSilenceMilliseconds: this.#silence === undefined ? null : Math.round(this.#silence),
      differences: this.#differences,
      remarks: remarksOf(targets),
      keyFit: this.#keyFit,
    }
  }
}

async function newJournal(
  order: RestoreOrder,
  targets: readonly ComponentRestore[],
  { clock, processes }: OperationContext,
): Promise<RestoreJournal> {
  const { restoreId, app, point, repository, mode, accept, into, platform } = order
  const now = clock.now().toISOString()
  return {
    format: into === undefined ? 1 : 2,
    restoreId,
    app,
    point,
    repository,
    mode: mode === 'in-place' ? 'in-place' : 'swap',
    components: [...namesOf(targets)],
    ...(into === undefined ? {} : { into }),
    ...(platform === undefined ? {} : { platform }),
    ...(accept === undefined ? {} : { accept: [...accept] }),
    stage: 'planned',
    safetyPoint: null,
    owner: await processes.self(),
    started: now,
    updated: now,
  }
}
