import { describe, Failure } from '../../core/failure.ts'
import {
  judgeSafety,
  type Objectives,
  type RepositoryFacts,
  type Safety,
  type SafetyFacts,
  type SafetyReason,
} from '../../core/safety/safety.ts'
import type { App, AppRepository, OperationContext } from '../app.ts'
import { loadLastBackup } from '../backup/run.ts'
import { pauseFinding } from '../pause/pause-finding.ts'
import { findLostTogether } from '../placement/find-lost-together.ts'
import { repositoryFacts } from './repository-facts.ts'

export interface StatusReport {
  readonly apps: readonly Safety[]
}

/** Judges each app by what is read now. Changes nothing. */
export async function readStatus(apps: readonly App[], context: OperationContext): Promise<StatusReport> {
  const judged: Safety[] = []
  for (const app of apps) judged.push(judgeSafety(await factsOf(app, context)))
  return { apps: judged }
}

async function factsOf(app: App, context: OperationContext): Promise<SafetyFacts> {
  context.progress({ type: 'phase', phase: 'status', detail: app.name })
  const lastRun = await lastRunOf(app, context)
  const repositories = await Promise.all(app.repositories.map((target) => readOne(app, target, lastRun, context)))
  const now = context.clock.now().getTime()
  const said = { app: app.name, now, readAt: now, objectives: objectivesOf(app), lastRun }
  const together = await findLostTogether(app, context)
  const lost = together === undefined ? [] : [warning('lost-together', together)]
  return {
    ...said,
    repositories: repositories.map(({ facts }) => facts),
    warnings: [...lost, ...(await pauseReasons(app, context)), ...repositories.flatMap(({ warnings }) => warnings)],
  }
}

/** What Holdfast keeps stopped. Data that may be mixed is a risk, a pause that somebody asked for is only said. */
async function pauseReasons(app: App, context: OperationContext): Promise<readonly SafetyReason[]> {
  const findings = await pauseFinding(app, context)
  return findings.map(({ level, message, hint = '' }) => ({
    code: 'paused',
    level: level === 'error' ? 'risk' : 'warning',
    // Where the app stays down, the way back and its safety point are named.
    message: level === 'error' ? `${message}. ${hint}` : message,
  }))
}

function objectivesOf({ intervalMilliseconds, objectives }: App): Objectives {
  const defaults = { rpoMilliseconds: intervalMilliseconds * 1.25, drillIntervalMilliseconds: 35 * 24 * 3_600_000 }
  return { ...defaults, ...objectives, intervalMilliseconds }
}

const warning = (code: SafetyReason['code'], message: string): SafetyReason => ({ code, level: 'warning', message })

interface ReadRepository {
  readonly facts: RepositoryFacts
  readonly warnings: readonly SafetyReason[]
}

async function readOne(
  app: App,
  target: AppRepository,
  lastRun: SafetyFacts['lastRun'],
  context: OperationContext,
): Promise<ReadRepository> {
  try {
    const { facts, second, unproven } = await repositoryFacts(app, target, lastRun, context)
    const said = [
      ...(second === undefined ? [] : [warning('second-installation', second)]),
      ...(unproven === undefined ? [] : [warning('not-compared', unproven)]),
    ]
    return { facts, warnings: said.map((one) => ({ ...one, repository: target.name })) }
  } catch (error) {
    if (context.signal.aborted || (error instanceof Failure && error.kind === 'cancelled')) throw error
    return { facts: { name: target.name, unread: describe(error) }, warnings: [] }
  }
}

/** A record that cannot be read is not one that says all went well. */
async function lastRunOf(app: App, context: OperationContext): Promise<SafetyFacts['lastRun']> {
  try {
    const last = await loadLastBackup(app, context)
    if (last === undefined) return 'none'
    return { outcome: last.outcome, finished: Date.parse(last.finished), message: last.message }
  } catch {
    return 'cannot be read'
  }
}
