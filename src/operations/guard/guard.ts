import { describe, Failure, toFailure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { refuseElsewhere } from '../fixed-platform.ts'
import { asOperation } from '../as-operation.ts'
import { payOwedHooks } from '../hooks/hooks.ts'
import { claimRecord, letGo, startAll } from '../pause/hold.ts'
import { mayResume, type MayNot } from '../pause/may-resume.ts'
import { adoptRecord, loadRecord, type PauseRecord } from '../pause/record.ts'
import { unfinishedJournal } from '../restore/journal.ts'
import { nextStepFor } from '../restore/next-step.ts'
import { forgetBeat, haveExpired } from './heartbeat.ts'
import type { Judgement } from './judge.ts'
import { lookDown, type LeftDown } from './look-down.ts'
import { settle, type Unsettled } from './settle.ts'

/**
 * - `up`: nothing of the app is down, as far as this machine has noted.
 * - `brought back`: writers are let in, and `workloads` run again.
 * - `paused`: a person asked for it, and it is not over.
 * - `running`: the operation that keeps the app down runs now.
 * - `down`: what is live may be a mixture, or a restore must be ended by a person.
 */
export type GuardOutcome = 'up' | 'brought back' | 'paused' | 'running' | 'down'

export interface GuardReport {
  readonly app: string
  readonly outcome: GuardOutcome
  /** Started, or still stopped. */
  readonly workloads: readonly string[]
  /** What of a restore or undo that died was done; absent where nothing of one was left. */
  readonly settled?: { readonly restoreId: string; readonly how: Judgement }
  readonly because?: MayNot['because']
  /** Why, for people. */
  readonly reason?: string
  /** The next step of a person. */
  readonly hint?: string
}

/**
 * Brings an app back to what was recorded, whoever died: writers are let in to whole data, and what was stopped runs again. Never
 * over data that may be a mixture, never while its operation runs. Fails where databases or platform do not answer.
 */
export function guardApp(app: App, context: OperationContext): Promise<GuardReport> {
  return asOperation(app, context, (own) => bringUp(app, { isAsked: false, endsUnfinished: false }, own))
}

export interface BringUp {
  /** A person asks for it by `holdfast resume`: a pause that a person asked for ends too. */
  readonly isAsked: boolean
  /** Who calls ends the unfinished restore itself. */
  readonly endsUnfinished: boolean
  /** Ids of refusals that the operator accepted. */
  readonly accept?: readonly string[]
}

/** The same within an operation. */
export async function bringUp(app: App, how: BringUp, context: OperationContext): Promise<GuardReport> {
  const report = await lookAndStart(app, how, context)
  const isOver = report.outcome !== 'running' && report.outcome !== 'down'
  if (isOver && !how.endsUnfinished) await payOwedHooks(app, context)
  return report
}

async function lookAndStart(app: App, how: BringUp, context: OperationContext): Promise<GuardReport> {
  const record = await adoptRecord(app, context)
  // Another cluster with the same names would be taken for this one.
  await refuseElsewhere(app, record, context)
  const found = await lookDown(app, record, context)
  if (found === undefined) return { app: app.name, outcome: 'up', workloads: [] }
  await refuseElsewhere(app, found.facts.unfinished, context)
  if (found.facts.isRunning && !(await haveExpired(app.name, found.owners, context))) return running(app, found)
  const left = { ...found, facts: { ...found.facts, isRunning: false } }
  const kept = left.unsettled === undefined ? await keptDown(left, how, context) : undefined
  if (kept !== undefined) return kept
  if (!(await claimRecord(left.record, context))) return await lookAndStart(app, how, context)
  await forgetDead(record, context)
  const settled = how.endsUnfinished ? {} : await settleLeft(app, left, context)
  return { ...(await startLeft(app, how, context)), ...settled }
}

/** What stays down whatever the databases say. */
async function keptDown(
  { record, facts }: LeftDown,
  { isAsked }: BringUp,
  context: OperationContext,
): Promise<GuardReport | undefined> {
  if (record === undefined) return undefined
  const answer = mayResume(record, { ...facts, isAsked })
  return answer.may ? undefined : await stayDown(record, answer, context)
}

function running({ name }: App, { record, facts }: LeftDown): GuardReport {
  const what =
    record === undefined ? `restore ${facts.unfinished?.restoreId ?? ''}` : `${record.operation} ${record.id}`
  const reason = `${what} of app ${name} runs now`
  const said = { because: 'it runs', reason, hint: 'Wait until it has ended.' } as const
  return { app: name, outcome: 'running', workloads: record?.workloads ?? [], ...said }
}

async function forgetDead(record: PauseRecord | undefined, context: OperationContext): Promise<void> {
  if (record !== undefined && record.owner !== null) await forgetBeat(record.app, record.owner, context)
}

async function settleLeft(
  app: App,
  { unsettled }: LeftDown,
  context: OperationContext,
): Promise<Pick<GuardReport, 'settled'>> {
  if (unsettled === undefined) return {}
  try {
    return { settled: { restoreId: unsettled.id, how: await settle(app, unsettled, context) } }
  } catch (error) {
    throw notSettled(app, unsettled, error)
  }
}

function notSettled({ name }: App, { id, journal }: Unsettled, error: unknown): Failure {
  const { kind, facts } = toFailure(error)
  const way = journal === undefined ? '' : ` ${nextStepFor(journal)}`
  return new Failure(kind, `app ${name} stays down: what restore ${id} left cannot be ended: ${describe(error)}`, {
    cause: error,
    facts,
    hint: `Repair what is named, then run holdfast resume ${name}.${way}`,
  })
}

async function startLeft(app: App, { isAsked, accept }: BringUp, context: OperationContext): Promise<GuardReport> {
  const record = await loadRecord(app.name, context)
  const unfinished = await unfinishedJournal(app.name, context.records)
  if (record === undefined) return { app: app.name, outcome: 'brought back', workloads: [] }
  const answer = mayResume(record, { isRunning: false, unfinished, isAsked, now: context.clock.now().getTime() })
  if (!answer.may) return await stayDown(record, answer, context)
  await startAll(app, record, context, accept)
  return { app: app.name, outcome: 'brought back', workloads: record.workloads.toReversed() }
}

async function stayDown(
  record: PauseRecord,
  { because, reason, hint }: MayNot,
  context: OperationContext,
): Promise<GuardReport> {
  const isPlanned = because === 'planned'
  await letGo(record, context)
  const { app, workloads } = record
  return { app, outcome: isPlanned ? 'paused' : 'down', workloads, because, reason, hint }
}
