import { acceptOptions } from '../../core/accept-ids.ts'
import { describe, Failure, toFailure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { findRecord } from './record.ts'

/** The workloads of the app that run now and would be stopped. None where the configuration names no platform. */
export async function runningWorkloads({ platform }: App, context: OperationContext): Promise<readonly string[]> {
  return platform === undefined ? [] : await platform.kind.running(platform.settings, context)
}

/** For a plan: those that run, and those that an earlier operation stopped and left stopped. Changes nothing. */
export async function workloadsToPause(app: App, context: OperationContext): Promise<readonly string[]> {
  // They write to the app's own place.
  if (app.into !== undefined) return []
  // Told before hours of loading, and once more before the first is stopped.
  await protectOwn(app.platform, context)
  const left = (await findRecord(app, context))?.workloads ?? []
  return [...new Set([...(await runningWorkloads(app, context)), ...left])]
}

/** What a plan says of what it stops. */
export interface PlannedPauses {
  /** Workloads that are stopped for it and started again, in the order in which they are stopped. */
  readonly pauses?: readonly string[]
  /** What each of them comes back to, in the same order. */
  readonly comesBack?: readonly ComesBack[]
}

export interface ComesBack {
  readonly workload: string
  /** In words of its platform: `2 replicas`. */
  readonly to: string
}

/** For a plan; nothing where nothing is to be stopped. Changes nothing. */
export async function plannedPauses(app: App, context: OperationContext): Promise<PlannedPauses> {
  const pauses = await workloadsToPause(app, context)
  return pauses.length === 0 ? {} : { pauses, comesBack: await comesBackOf(app, pauses, context) }
}

/** What each of these comes back to. Changes nothing. */
export async function comesBackOf(
  { platform }: App,
  workloads: readonly string[],
  context: OperationContext,
): Promise<readonly ComesBack[]> {
  const told = await platform?.kind.comeBackTo?.(platform.settings, workloads, context)
  return workloads.map((workload, index) => ({ workload, to: told?.[index] ?? 'running' }))
}

/** Fails where the platform would stop what the app's own data is served by. */
async function protectOwn(platform: App['platform'], context: OperationContext): Promise<void> {
  if (platform === undefined) return
  const { kind, settings, reaches, servers } = platform
  await kind.protect?.(settings, reaches, context, servers)
}

/** Stops them one after the other. Who dies in here has them in the record. */
export async function stopWorkloads(
  { platform }: App,
  workloads: readonly string[],
  context: OperationContext,
): Promise<void> {
  if (platform === undefined || workloads.length === 0) return
  const { kind, settings } = platform
  await protectOwn(platform, context)
  for (const workload of workloads) {
    context.progress({ type: 'phase', phase: 'pause', detail: workload })
    await kind.pause(settings, workload, context)
  }
}

/** Starts them in the other order. One that cannot be started keeps none of the others down, and is told. */
export async function startWorkloads(
  app: App,
  workloads: readonly string[],
  context: OperationContext,
  accept: readonly string[] = [],
): Promise<void> {
  // Who was stopped by name is not forgotten because the configuration no longer says how to start it.
  if (app.platform === undefined && workloads.length > 0) throw noPlatform(app.name, workloads)
  const failures: Failure[] = []
  for (const workload of workloads.toReversed()) {
    context.progress({ type: 'phase', phase: 'resume', detail: workload })
    await app.platform?.kind.resume(app.platform.settings, workload, context).catch((error: unknown) => {
      const failure = notStarted(app.name, workload, error)
      if (failure.facts['accept'] !== GONE.accept || !accept.includes(GONE.accept)) failures.push(failure)
      else context.progress({ type: 'warning', message: `${failure.message}; it is given up, as was accepted` })
    })
  }
  const [first] = failures
  if (first !== undefined) throw first
}

function noPlatform(app: string, workloads: readonly string[]): Failure {
  return new Failure('usage', `app ${app} has no platform, and Holdfast stopped ${workloads.join(', ')}`, {
    hint: 'Enter the platform again and run it again, so that these are started.',
  })
}

/** What somebody removed or renamed while the app was paused never comes back by its name. */
const GONE = { accept: 'gone-workload' } as const

function notStarted(app: string, workload: string, error: unknown): Failure {
  const { kind, facts } = toFailure(error)
  const isGone = kind === 'notFound'
  const past = isGone ? ` If it is gone for good: holdfast resume ${app} ${acceptOptions([GONE.accept])}.` : ''
  return new Failure(kind, `workload ${workload} could not be started: ${describe(error)}`, {
    cause: error,
    facts: isGone ? { ...facts, ...GONE } : facts,
    hint: `Repair what is named, then run holdfast resume ${app}.${past}`,
  })
}
