import type { Hook } from '../../config/hooks-schema.ts'
import { describe, Failure, toFailure } from '../../core/failure.ts'
import { run } from '../../system/process/run.ts'
import type { App, OperationContext } from '../app.ts'
import { loadHookRecord, removeHookRecord, saveHookRecord, type HookRecord } from './hook-record.ts'

/** What the hooks are run for. */
export type HookedOperation = Pick<HookRecord, 'kind' | 'operation' | 'id'>

/** How the operation went, as an after-hook is told. `died`: its process did, and another runs the hook. */
export type HookOutcome = 'done' | 'failed' | 'died'

/**
 * Runs the hooks before the operation, and notes that the ones after it are owed. Nothing where the app has none. Fails where one
 * fails whose failure counts; `endHooks` is to be called all the same.
 */
export async function beginHooks(app: App, about: HookedOperation, context: OperationContext): Promise<void> {
  const { kind } = about
  if (app.into !== undefined || hooksOf(app, `before${kind}`).length + hooksOf(app, `after${kind}`).length === 0) return
  await saveHookRecord({ format: 1, app: app.name, ...about, owner: await context.processes.self() }, context)
  const failures = await runAll(app, `before${kind}`, environmentOf(app, about), context)
  if (failures[0] !== undefined) throw failures[0]
}

/** Runs the hooks after the operation, also where it failed or was cancelled. All are run; one whose failure counts stays owed, and is thrown. */
export async function endHooks(app: App, id: string, outcome: HookOutcome, context: OperationContext): Promise<void> {
  const record = await loadHookRecord(app.name, context)
  if (record?.id === id) await payHooks(app, record, outcome, context)
}

/** The same after a failure, which is the one that is thrown; that a hook fails is told, and it stays owed. */
export async function endHooksAfterFailure(app: App, id: string, context: OperationContext): Promise<void> {
  await endHooks(app, id, 'failed', context).catch((error: unknown) => tellOwed(app, error, context))
}

function tellOwed({ name }: App, error: unknown, { progress }: OperationContext): void {
  progress({ type: 'warning', message: `a hook is owed to app ${name}: ${describe(error)}` })
}

/** Runs those that an operation owes that died. That one fails is told. */
export async function payOwedHooks(app: App, context: OperationContext): Promise<void> {
  const record = await loadHookRecord(app.name, context)
  if (record === undefined || (await isAtThem(record, context))) return
  await payHooks(app, record, 'died', context).catch((error: unknown) => tellOwed(app, error, context))
}

/** What is owed, for people; undefined where nothing is. Changes nothing. */
export async function owedHooks(app: App, context: OperationContext): Promise<string | undefined> {
  const record = await loadHookRecord(app.name, context)
  if (record === undefined || (await isAtThem(record, context))) return undefined
  return `${record.operation} ${record.id} was cut off before its hooks after${record.kind} had run`
}

async function isAtThem({ owner }: HookRecord, { processes }: OperationContext): Promise<boolean> {
  return owner !== (await processes.self()) && (await processes.isRunning(owner))
}

async function payHooks(app: App, record: HookRecord, outcome: HookOutcome, context: OperationContext): Promise<void> {
  const afterwards = { ...context, signal: new AbortController().signal }
  const environment = { ...environmentOf(app, record), HOLDFAST_OUTCOME: outcome }
  const failures = await runAll(app, `after${record.kind}`, environment, afterwards)
  if (failures[0] !== undefined) throw failures[0]
  await removeHookRecord(app.name, context)
}

type HookName = `${'before' | 'after'}${HookRecord['kind']}`

const hooksOf = ({ hooks }: App, name: HookName): readonly Hook[] => hooks?.[name] ?? []

function environmentOf({ name }: App, { kind, operation, id }: HookedOperation): Readonly<Record<string, string>> {
  const which = kind === 'Capture' ? { HOLDFAST_POINT: id } : { HOLDFAST_RESTORE: id }
  return { HOLDFAST_APP: name, HOLDFAST_OPERATION: operation, ...which }
}

/** Gives the failures that count. Before, the first of them is the last that runs. */
async function runAll(
  app: App,
  name: HookName,
  environment: Readonly<Record<string, string>>,
  context: OperationContext,
): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  for (const [index, hook] of hooksOf(app, name).entries()) {
    const failure = await runOne(hook, `${name} ${index + 1}`, { ...environment, HOLDFAST_HOOK: name }, context)
    if (failure !== undefined && hook.onFailure === 'warn')
      context.progress({ type: 'warning', message: failure.message })
    else if (failure !== undefined) failures.push(failure)
    if (failures.length > 0 && name.startsWith('before')) break
  }
  return failures
}

async function runOne(
  { command: [file = '', ...args], limitSeconds }: Hook,
  name: string,
  environment: Readonly<Record<string, string>>,
  { effects, progress, signal }: OperationContext,
): Promise<Failure | undefined> {
  progress({ type: 'phase', phase: 'hook', detail: name })
  const limit = limitSeconds * 1000
  try {
    await effects.run(`hook ${name}`, () =>
      run({ file, args, environment, signal, idleLimit: limit, totalLimit: limit }),
    )
    return undefined
  } catch (error) {
    const { kind, facts, hint } = toFailure(error)
    if (kind === 'bug' || kind === 'cancelled') throw error
    return new Failure(kind, `hook ${name} failed: ${describe(error)}`, {
      cause: error,
      facts,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}
