import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { execute } from './execute.ts'
import type { HostSettings } from './schema.ts'

/** What systemd says of a unit now. */
const unitState = z.object({
  LoadState: z.string(),
  ActiveState: z.string(),
  MainPID: z.string().default('0'),
  Type: z.string().default(''),
  /** Names of units that start it, with a space between. */
  TriggeredBy: z.string().default(''),
  /** Its own name, where it was asked for by another. */
  Id: z.string().default(''),
  /** Units that are stopped with it: by `PartOf`, `Requires` and `BindsTo` of theirs. */
  ConsistsOf: z.string().default(''),
  RequiredBy: z.string().default(''),
  BoundBy: z.string().default(''),
})
export type UnitState = Readonly<z.infer<typeof unitState>>

const PROPERTIES = Object.keys(unitState.shape).join(',')
const TRIGGERS = /\.(?:timer|socket|path)$/
/** Time between two looks at a unit that is starting, and how long it has to stay up. */
const LOOK_MILLISECONDS = 300

/** Asks systemd. Fails with `notFound` where there is no such unit. Changes nothing. */
export async function lookAtUnit(unit: string, settings: HostSettings, context: Context): Promise<UnitState> {
  const { stdout } = await execute(['systemctl', 'show', `--property=${PROPERTIES}`, '--', unit], settings, context)
  const lines = stdout.split('\n').filter((line) => line.includes('='))
  const state = unitState.parse(Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2))))
  if (state.LoadState !== 'not-found') return state
  throw new Failure('notFound', `systemd knows no unit ${unit}`, {
    hint: 'Correct its name under platform.units; systemctl list-unit-files shows all.',
  })
}

/** Whether anything of it runs, or is about to. */
export const isUp = ({ ActiveState }: UnitState): boolean =>
  !['inactive', 'failed', 'maintenance'].includes(ActiveState)

/**
 * The units that run, in the order in which they are stopped. Timers and paths come first: they would start another again, and are
 * started last. Sockets come last, as systemd starts none whose service runs; a service takes them down with it.
 */
export async function runningUnits(settings: HostSettings, context: Context): Promise<readonly string[]> {
  const states: UnitState[] = []
  for (const unit of settings.units) states.push(await lookAtUnit(unit, settings, context))
  // By the names of the configuration, which may be aliases.
  const own = settings.units.filter((_, index) => states[index] !== undefined && isUp(states[index]))
  const all = [...own, ...(await armedTriggers(states, settings, context)).filter((name) => !own.includes(name))]
  const sockets = all.filter(isSocket)
  return [
    ...all.filter((name) => isTrigger(name) && !isSocket(name)),
    ...all.filter((name) => !isTrigger(name)),
    ...sockets,
  ]
}

/** What would start one of these units now. */
async function armedTriggers(
  states: readonly UnitState[],
  settings: HostSettings,
  context: Context,
): Promise<readonly string[]> {
  const armed: string[] = []
  for (const name of new Set(states.flatMap(triggersOf)))
    if (isUp(await lookAtUnit(name, settings, context))) armed.push(name)
  return armed
}

/** Sockets that would start a unit again in the moment after it was stopped. */
export async function socketsOf(unit: string, settings: HostSettings, context: Context): Promise<readonly string[]> {
  return (await armedTriggers([await lookAtUnit(unit, settings, context)], settings, context)).filter(isSocket)
}

const isSocket = (unit: string): boolean => unit.endsWith('.socket')

export const isTrigger = (unit: string): boolean => TRIGGERS.test(unit)

export const triggersOf = ({ TriggeredBy }: UnitState): readonly string[] =>
  TriggeredBy.split(' ').filter((name) => name !== '')

/** This unit and all that systemd stops with it, by their own names. */
export async function stoppedWith(unit: string, settings: HostSettings, context: Context): Promise<readonly string[]> {
  const found = new Set<string>()
  const asked = [unit]
  for (let next = asked.pop(); next !== undefined; next = asked.pop()) {
    const { Id, ConsistsOf, RequiredBy, BoundBy } = await lookAtUnit(next, settings, context)
    if (found.has(Id)) continue
    found.add(Id)
    asked.push(...`${ConsistsOf} ${RequiredBy} ${BoundBy}`.split(' ').filter((name) => name !== ''))
  }
  return [...found]
}

/** The command that changes a unit. */
export function systemctl(
  { sudo }: Pick<HostSettings, 'sudo'>,
  act: 'stop' | 'start',
  unit: string,
): readonly string[] {
  return [...(sudo ? ['sudo', '-n'] : []), 'systemctl', act, '--', unit]
}

/** Fails with `toolFailed` where it is not down. */
export async function requireDown(unit: string, settings: HostSettings, context: Context): Promise<void> {
  const state = await lookAtUnit(unit, settings, context)
  if (!isUp(state)) return
  const by = triggersOf(state)
  throw new Failure('toolFailed', `unit ${unit} is ${state.ActiveState} again after it was stopped`, {
    hint: `See what starts it${by.length === 0 ? '' : ` (${by.join(', ')})`}, and stop that too.`,
  })
}

/**
 * Waits until it is active and stays so, which for `Type=notify` means that it said so itself. A oneshot may have ended. Fails
 * with `toolFailed` where it failed, or is not up within the limit.
 */
export async function awaitUp(unit: string, settings: HostSettings, context: Context): Promise<void> {
  const { clock, signal } = context
  const deadline = clock.monotonic() + settings.limitSeconds * 1000
  for (let before: UnitState | undefined; ;) {
    const state = await lookAtUnit(unit, settings, context)
    const isDone = state.Type === 'oneshot' && state.ActiveState === 'inactive'
    const isSame = state.ActiveState === 'active' && before?.MainPID === state.MainPID
    if (isDone || isSame) return
    if (state.ActiveState === 'failed' || clock.monotonic() > deadline) throw notUp(unit, state)
    before = state.ActiveState === 'active' ? state : undefined
    await clock.sleep(LOOK_MILLISECONDS, signal)
  }
}

function notUp(unit: string, { ActiveState }: UnitState): Failure {
  return new Failure('toolFailed', `unit ${unit} was started and is ${ActiveState}`, {
    hint: `See systemctl status ${unit} and its log.`,
  })
}
