import { resolve } from 'node:path'
import { Failure, isFailure, toFailure } from '../../core/failure.ts'
import type { FoundDump } from '../../components/capabilities/dumps.ts'
import type { App, OperationContext } from '../app.ts'
import { summarize, type FailureSummary } from '../backup/report.ts'
import { importDumpsOrder, type ImportDumpsOrder } from './order.ts'
import { DumpsBefore } from './dumps-before.ts'
import { componentWithDumps, executeImport, type ImportReport, type ImportRequest, type WithDumps } from './import.ts'

export type DumpsRequest = Omit<ImportRequest, 'format' | 'path'>

export interface DumpOutcome extends Omit<FoundDump, 'path'> {
  readonly outcome: 'imported' | 'incomplete' | 'imported before' | 'failed'
  readonly point?: string
  readonly made?: Pick<
    ImportReport,
    'created' | 'truth' | 'durationMilliseconds' | 'notCaptured' | 'repositories' | 'origin'
  >
  readonly failure?: FailureSummary
}

export interface DumpsReport {
  readonly app: string
  /** The oldest first. */
  readonly dumps: readonly DumpOutcome[]
  readonly notDumps: readonly string[]
}

/** Looks whether the app takes dumps; changes nothing. */
export function planImportDumps(app: App, where: string, request: DumpsRequest): ImportDumpsOrder {
  const component = componentWithDumps(app, request.component).name
  return importDumpsOrder.parse({ ...request, where: resolve(where), component, app: app.name })
}

/** Imports as ordered. `app` is the one that the order names. */
export async function runImportDumps(
  app: App,
  { where, ...request }: ImportDumpsOrder,
  context: OperationContext,
): Promise<DumpsReport> {
  return await importDumps(app, where, request, context)
}

/**
 * Makes a restore point of every dump, the oldest first. One that fails keeps none of the others from being taken; one that
 * was imported before is passed over, so that a run that was cut off can be repeated.
 */
export async function importDumps(
  app: App,
  where: string,
  request: DumpsRequest,
  context: OperationContext,
): Promise<DumpsReport> {
  const component = componentWithDumps(app, request.component)
  const { dumps, others } = await component.driver.dumps.find(where, context)
  if (dumps.length === 0)
    throw new Failure('notFound', `no dump is among the ${others.length} files of ${where}`, {
      hint: 'Plain SQL, custom and directory format of pg_dump are known, the first also compressed.',
    })
  const before = await DumpsBefore.read(app, context)
  const outcomes: DumpOutcome[] = []
  for (const [index, dump] of dumps.entries()) {
    context.progress({ type: 'note', message: `${index + 1} of ${dumps.length}: ${dump.name}` })
    outcomes.push(await takeOne({ app, component, request, before }, dump, context))
  }
  return { app: app.name, dumps: outcomes, notDumps: others }
}

interface Taking {
  readonly app: App
  readonly component: WithDumps
  readonly request: DumpsRequest
  readonly before: DumpsBefore
}

async function takeOne(taking: Taking, dump: FoundDump, context: OperationContext): Promise<DumpOutcome> {
  const { path: _path, ...about } = dump
  try {
    return { ...about, ...(await take(taking, dump, context)) }
  } catch (error) {
    // Who cancels wants to stop, not a report of dumps that were cancelled.
    if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
    const failure = toFailure(error)
    if (failure.kind === 'bug') throw error
    return { ...about, outcome: 'failed', failure: summarize(failure) }
  }
}

async function take(
  { app, component, request, before }: Taking,
  dump: FoundDump,
  context: OperationContext,
): Promise<Pick<DumpOutcome, 'outcome' | 'point' | 'made'>> {
  const { sha256 } = await component.driver.dumps.digest(dump.path, context)
  const known = before.pointOf(sha256)
  const repositories = before.lacking(sha256)
  if (known !== undefined && repositories.length === 0) return { outcome: 'imported before', point: known }
  const point = context.newId()
  await before.note(sha256, point)
  const { path, format } = dump
  const one = { ...request, path, format, point, dumped: dump }
  const report = await executeImport({ ...app, repositories }, one, context)
  const { created, truth, durationMilliseconds, notCaptured, repositories: stored, origin } = report
  const made = { created, truth, durationMilliseconds, notCaptured, repositories: stored, origin }
  return { outcome: report.outcome === 'done' ? 'imported' : 'incomplete', point, made }
}
