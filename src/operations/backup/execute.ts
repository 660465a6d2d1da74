import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { about } from '../source.ts'
import { captureComponent } from './capture.ts'
import { allFailed, openDestinations, requireOne, type Destination } from './destinations.ts'
import type { BackupPlan } from './plan.ts'
import type { BackupReport, ComponentOutcome } from './report.ts'

/**
 * Captures every component once and commits the point in every repository. Nothing is listed anywhere before its
 * commit, and what was stored for a point that is not committed is removed again.
 *
 * Fails when no component could be captured or no repository could take the point; otherwise the report says what is
 * missing.
 */
export async function executeBackup(app: App, plan: BackupPlan, context: OperationContext): Promise<BackupReport> {
  const begun = context.clock.monotonic()
  const created = context.clock.now()
  const destinations = await openDestinations(app, plan, context)
  try {
    const components = await captureAll(app, destinations, context)
    await commitAll(destinations, components, created, context)
    const durationMilliseconds = Math.round(context.clock.monotonic() - begun)
    return reportOf(plan, components, destinations, { created: created.toISOString(), durationMilliseconds })
  } finally {
    await Promise.all(destinations.map((destination) => destination.abandonUnlessCommitted()))
  }
}

async function captureAll(
  app: App,
  destinations: readonly Destination[],
  context: OperationContext,
): Promise<readonly ComponentOutcome[]> {
  const outcomes: ComponentOutcome[] = []
  let first: Failure | undefined
  for (const component of app.components) {
    const { cause, ...outcome } = await captureComponent(component, destinations, context)
    // It is not the component's fault that nobody takes it.
    requireOne(destinations)
    if (cause !== undefined) first ??= about(`component ${component.name}`, cause)
    outcomes.push(outcome)
  }
  if (outcomes.every(({ outcome }) => outcome === 'failed'))
    throw first ?? new Failure('usage', `app ${app.name} has no components`)
  return outcomes
}

async function commitAll(
  destinations: readonly Destination[],
  components: readonly ComponentOutcome[],
  created: Date,
  context: OperationContext,
): Promise<void> {
  context.progress({ type: 'phase', phase: 'commit' })
  const missing = components
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ name, kind, failure }) => ({ name, kind, reason: failure?.message ?? 'failed' }))
  await Promise.all(destinations.map((destination) => destination.commit({ missing, created })))
  const committed = destinations.some((destination) => destination.outcome().outcome === 'committed')
  if (!committed) throw allFailed(destinations)
}

function reportOf(
  plan: BackupPlan,
  components: readonly ComponentOutcome[],
  destinations: readonly Destination[],
  times: Pick<BackupReport, 'created' | 'durationMilliseconds'>,
): BackupReport {
  const repositories = destinations.map((destination) => destination.outcome())
  const whole =
    components.every(({ outcome }) => outcome === 'captured') &&
    repositories.every(({ outcome }) => outcome === 'committed')
  return {
    app: plan.app,
    point: plan.point,
    outcome: whole ? 'done' : 'incomplete',
    truth: 'read back',
    ...times,
    components,
    repositories,
    findings: plan.findings,
  }
}
