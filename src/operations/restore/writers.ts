import { describe, Failure, toFailure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { journalsOf, saveJournal } from './journal.ts'

/** The workloads of the app that run now and would be stopped. None where the configuration names no platform. */
export async function runningWriters({ platform }: App, context: OperationContext): Promise<readonly string[]> {
  return platform === undefined ? [] : await platform.kind.running(platform.settings, context)
}

/** Those that run, and those that an earlier restore stopped and left down because its data was not whole. */
export async function writersToPause(app: App, context: OperationContext): Promise<readonly string[]> {
  // They write to the app's own place.
  if (app.into !== undefined) return []
  const left = (await journalsOf(app.name, context.records)).flatMap(({ paused = [] }) => paused)
  return [...new Set([...(await runningWriters(app, context)), ...left])]
}

/** Stops them one after the other. Who dies in here has them in the journal. */
export async function pauseWriters(
  { platform }: App,
  workloads: readonly string[],
  context: OperationContext,
): Promise<void> {
  for (const workload of platform === undefined ? [] : workloads) {
    context.progress({ type: 'phase', phase: 'pause', detail: workload })
    await platform?.kind.pause(platform.settings, workload, context)
  }
}

/** Starts them in the other order. One that cannot be started keeps none of the others down, and is told. */
export async function resumeWriters(app: App, workloads: readonly string[], context: OperationContext): Promise<void> {
  // Who was stopped by name is not forgotten because the configuration no longer says how to start it.
  if (app.platform === undefined && workloads.length > 0) throw noPlatform(app.name, workloads)
  const failures: Failure[] = []
  for (const workload of workloads.toReversed()) {
    context.progress({ type: 'phase', phase: 'resume', detail: workload })
    await app.platform?.kind
      .resume(app.platform.settings, workload, context)
      .catch((error: unknown) => failures.push(notStarted(workload, error)))
  }
  const [first] = failures
  if (first !== undefined) throw first
}

function noPlatform(app: string, workloads: readonly string[]): Failure {
  return new Failure('usage', `app ${app} has no platform, and a restore stopped ${workloads.join(', ')}`, {
    hint: 'Enter the platform again and run it again, so that these are started.',
  })
}

function notStarted(workload: string, error: unknown): Failure {
  const { kind, facts } = toFailure(error)
  return new Failure(kind, `workload ${workload} could not be started: ${describe(error)}`, { cause: error, facts })
}

/** What may be mixed is not to be written to: its writers stay down until a later restore brings whole data, and that is said. */
export function tellDown(workloads: readonly string[], { progress }: OperationContext): void {
  if (workloads.length === 0) return
  progress({
    type: 'warning',
    message: `${workloads.join(', ')} stay stopped, as the live data may be a mixture; the next restore that ends well starts them`,
  })
}

/** They run again: no later restore starts them once more. */
export async function forgetPaused(app: App, { records, clock }: OperationContext): Promise<void> {
  for (const { paused = [], ...journal } of await journalsOf(app.name, records))
    if (paused.length > 0) await saveJournal(journal, records, clock)
}
