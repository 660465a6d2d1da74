import { isDeepStrictEqual } from 'node:util'
import { describe, Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { platformNow } from '../fixed-platform.ts'
import { withAppLock } from './app-lock.ts'
import { mayBeMixed, mayResume, type MayNot } from './may-resume.ts'
import { loadRecord, removeRecord, saveRecord, type PauseRecord } from './record.ts'
import { runningWorkloads, startWorkloads, stopWorkloads } from './workloads.ts'

/** An operation that keeps the writers of an app stopped. */
export interface Holder extends Pick<PauseRecord, 'operation' | 'id'> {
  /** Components whose live data it replaces. */
  readonly components?: readonly string[]
  /** Holds the live data from before. */
  readonly safetyPoint?: string | null
  readonly planned?: PauseRecord['planned']
}

/**
 * Notes all workloads that run, and those that are stopped already, as held by this operation. Gives what is to be
 * stopped now. Fails with `locked` while another process is at an operation that holds them.
 */
export async function noteHeld(app: App, holder: Holder, context: OperationContext): Promise<readonly string[]> {
  // The writers of the app write to its own place.
  if (app.into !== undefined) return []
  // Who runs now is told at once. Whether anybody does is certain only within the lock.
  await refuseOther(await loadRecord(app.name, context), context)
  return await withAppLock(app.name, context, () => noteLocked(app, holder, context))
}

async function noteLocked(app: App, holder: Holder, context: OperationContext): Promise<readonly string[]> {
  const before = await loadRecord(app.name, context)
  await refuseOther(before, context)
  const workloads = [...new Set([...(before?.workloads ?? []), ...(await runningWorkloads(app, context))])]
  if (workloads.length === 0 && before === undefined) return []
  const owner = await context.processes.self()
  const record = isOf(before, holder) ? before : newRecord(app, holder, before, context)
  const platform = record.platform === undefined ? await platformNow(app, context) : {}
  await saveRecord({ ...record, ...platform, owner, workloads }, context)
  return workloads
}

/**
 * Takes the record over where it still is what the caller saw. False where somebody else wrote it since. Nothing is done where there
 * was none.
 */
export async function claimRecord(seen: PauseRecord | undefined, context: OperationContext): Promise<boolean> {
  if (seen === undefined) return true
  return await withAppLock(seen.app, context, async () => {
    if (!isDeepStrictEqual(await loadRecord(seen.app, context), seen)) return false
    await saveRecord({ ...seen, owner: await context.processes.self() }, context)
    return true
  })
}

/** Fails with `locked` while another process is at the operation of the record. */
export async function refuseOther(record: PauseRecord | undefined, context: OperationContext): Promise<void> {
  if (record === undefined || !(await isHeldElsewhere(record, context))) return
  throw new Failure('locked', `${record.operation} ${record.id} of app ${record.app} runs now, and paused the app`, {
    hint: 'Wait until it has ended, then run this again.',
  })
}

export async function isHeldElsewhere({ owner }: PauseRecord, { processes }: OperationContext): Promise<boolean> {
  if (owner === null || owner === (await processes.self())) return false
  return await processes.isRunning(owner)
}

function isOf(record: PauseRecord | undefined, { operation, id }: Holder): record is PauseRecord {
  return record?.operation === operation && record.id === id
}

/** What was mixed before stays so in the record until whole data takes its place. */
function newRecord(
  app: App,
  { operation, id, components = [], safetyPoint = null, planned }: Holder,
  before: PauseRecord | undefined,
  { clock }: OperationContext,
): PauseRecord {
  const mixed = before === undefined ? [] : [...mayBeMixed(before)]
  const asked = planned ?? before?.planned
  return {
    format: 1,
    app: app.name,
    operation,
    id,
    owner: null,
    since: before?.since ?? clock.now().toISOString(),
    workloads: [],
    live: 'before',
    components: [...components],
    mixed,
    // A safety point of what was mixed already is no way back.
    safetyPoint: mixed.length > 0 ? (before?.safetyPoint ?? null) : safetyPoint,
    ...(asked === undefined ? {} : { planned: asked }),
  }
}

/** Notes what is live, before that changes. Nothing where the operation holds nothing. */
export async function noteLive(
  app: App,
  id: string,
  live: PauseRecord['live'],
  context: OperationContext,
): Promise<void> {
  const record = await loadRecord(app.name, context)
  if (record?.id === id && record.live !== live) await saveRecord({ ...record, live }, context)
}

/**
 * Ends the hold of this operation: starts what is stopped and removes the record. Over what may be mixed everything stays
 * stopped, and in a pause that a person asked for; both are told.
 */
export async function release(app: App, id: string, context: OperationContext): Promise<void> {
  const record = await loadRecord(app.name, context)
  if (record?.id !== id || (await isHeldElsewhere(record, context))) return
  const answer = mayResume(record, {
    isRunning: false,
    unfinished: undefined,
    isAsked: false,
    now: context.clock.now().getTime(),
  })
  if (answer.may) return await startAll(app, record, context)
  await letGo(record, context)
  tellStopped(record, answer, context)
}

/** The record goes last: who dies before it starts them once more, which is no harm. */
export async function startAll(
  app: App,
  record: PauseRecord,
  context: OperationContext,
  accept: readonly string[] = [],
): Promise<void> {
  await startWorkloads(app, record.workloads, context, accept)
  await removeRecord(app.name, context)
}

/**
 * Nobody is at it any more, and the app stays down: who cannot see the process that was must not wait for it. Where the data is whole,
 * nothing holds the app but the pause that a person asked for.
 */
export async function letGo(record: PauseRecord, context: OperationContext): Promise<void> {
  const { planned } = record
  const isPlanned = planned !== undefined && mayBeMixed(record).length === 0
  const paused = isPlanned ? pausedAs(planned) : {}
  if (record.owner !== null || (isPlanned && record.operation !== 'pause'))
    await saveRecord({ ...record, ...paused, owner: null }, context)
}

function pausedAs({ id }: NonNullable<PauseRecord['planned']>): Partial<PauseRecord> {
  return { operation: 'pause', id, live: 'before', safetyPoint: null, components: [], mixed: [] }
}

/** Says what stays stopped, and why. */
function tellStopped(
  { workloads }: PauseRecord,
  { reason, hint, because }: MayNot,
  { progress }: OperationContext,
): void {
  if (workloads.length === 0) return
  progress({
    type: because === 'planned' ? 'note' : 'warning',
    message: `${workloads.join(', ')} stay stopped: ${reason}. ${hint}`,
  })
}

/** Runs `act` while the writers are stopped. They are started whatever happens, unless data may be mixed. */
export async function whileHeld<Result>(
  app: App,
  holder: Holder,
  act: () => Promise<Result>,
  context: OperationContext,
): Promise<Result> {
  let result: Result
  try {
    await stopWorkloads(app, await noteHeld(app, holder, context), context)
    result = await act()
  } catch (error) {
    await releaseAfterFailure(app, holder.id, context)
    throw error
  }
  await release(app, holder.id, context)
  return result
}

/** Also after a cancellation. The failure that led here is the one that is thrown; this one is told. */
async function releaseAfterFailure(app: App, id: string, context: OperationContext): Promise<void> {
  try {
    await release(app, id, { ...context, signal: new AbortController().signal })
  } catch (error) {
    const message = `${describe(error)}; holdfast resume ${app.name} tries again`
    context.progress({ type: 'warning', message })
  }
}
