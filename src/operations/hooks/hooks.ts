import type { Hook } from '../../config/hooks-schema.ts'
import { describe, Failure, toFailure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { forgetBeat, haveExpired } from '../guard/heartbeat.ts'
import { claimHooks, owedTo, removeHookRecord, saveHookRecord, type HookRecord, type OwedHooks } from './hook-record.ts'
import { runHook } from './run-hook.ts'

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
  for (const owed of await owedTo(app.name, context))
    if (owed.record.id === id) await payHooks(app, owed, outcome, context)
}

/** The same after a failure, which is the one that is thrown; that a hook fails is told, and it stays owed. */
export async function endHooksAfterFailure(app: App, id: string, context: OperationContext): Promise<void> {
  await endHooks(app, id, 'failed', context).catch((error: unknown) => tellOwed(app, error, context))
}

function tellOwed({ name }: App, error: unknown, { progress }: OperationContext): void {
  progress({ type: 'warning', message: `a hook is owed to app ${name}: ${describe(error)}` })
}

/** Runs those that operations owe that died. That one fails is told. */
export async function payOwedHooks(app: App, context: OperationContext): Promise<void> {
  for (const owed of await owedTo(app.name, context)) {
    if ((await isAtThem(owed, context)) || !(await claimHooks(owed, context))) continue
    await forgetBeat(app.name, owed.record.owner, context)
    await payHooks(app, owed, 'died', context).catch((error: unknown) => tellOwed(app, error, context))
  }
}

/** What is owed, for people. Changes nothing, and watches nobody. */
export async function owedHooks(app: App, context: OperationContext): Promise<readonly string[]> {
  const told: string[] = []
  for (const { record } of await owedTo(app.name, context)) {
    const { operation, id, kind, owner } = record
    const { processes } = context
    if (!(await processes.isVisible(owner)))
      told.push(`${operation} ${id} of another container or machine owes its hooks after${kind}, unless it runs now`)
    else if (owner !== (await processes.self()) && !(await processes.isRunning(owner)))
      told.push(`${operation} ${id} was cut off before its hooks after${kind} had run`)
  }
  return told
}

/** Who cannot be seen from here is watched for 90 seconds, and then taken for dead. */
async function isAtThem({ record: { app, owner } }: OwedHooks, context: OperationContext): Promise<boolean> {
  const { processes } = context
  if (owner === (await processes.self())) return false
  return (await processes.isRunning(owner)) && !(await haveExpired(app, [owner], context))
}

async function payHooks(app: App, owed: OwedHooks, outcome: HookOutcome, context: OperationContext): Promise<void> {
  const { record } = owed
  const afterwards = { ...context, signal: new AbortController().signal }
  const environment = { ...environmentOf(app, record), HOLDFAST_OUTCOME: outcome }
  const failures = await runAll(app, `after${record.kind}`, environment, afterwards)
  if (failures[0] !== undefined) throw failures[0]
  await removeHookRecord(owed, context)
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
    const failure = await runOne(app, hook, `${name} ${index + 1}`, { ...environment, HOLDFAST_HOOK: name }, context)
    if (failure !== undefined && hook.onFailure === 'warn')
      context.progress({ type: 'warning', message: failure.message })
    else if (failure !== undefined) failures.push(failure)
    if (failures.length > 0 && name.startsWith('before')) break
  }
  return failures
}

async function runOne(
  app: App,
  hook: Hook,
  name: string,
  environment: Readonly<Record<string, string>>,
  context: OperationContext,
): Promise<Failure | undefined> {
  context.progress({ type: 'phase', phase: 'hook', detail: name })
  try {
    await context.effects.run(`hook ${name}`, () => runHook(app, hook, environment, context))
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
