import { Failure, failureKinds } from '../../core/failure.ts'
import { safetyMetrics } from '../../core/safety/safety-metrics.ts'
import type { Safety, SafetyState } from '../../core/safety/safety.ts'
import { readStatus, type StatusReport } from '../../operations/status/status.ts'
import { chooseApps, type Command } from '../run-command.ts'

/** `holdfast status [app]` */
export async function status(
  command: Command,
  name: string | undefined,
  { metrics = false }: { readonly metrics?: boolean } = {},
): Promise<number> {
  if (metrics && command.options.json === true)
    throw new Failure('usage', '--metrics and --json are two forms of one result', { hint: 'Give one of them.' })
  const { context, apps } = command.assembly
  const report = await readStatus(chooseApps(apps, name), context)
  const text = metrics ? () => safetyMetrics(report.apps, context.clock.now().getTime()) : () => textOf(report)
  command.result(report, text)
  return exitOf(report.apps)
}

const EXITS: Readonly<Record<SafetyState, number>> = {
  proven: 0,
  unproven: failureKinds.incomplete.exit,
  unknown: failureKinds.unreachable.exit,
  'at risk': failureKinds.refused.exit,
  unprotected: failureKinds.refused.exit,
}

/** The worst first. */
const WORST = [
  failureKinds.corrupt.exit,
  failureKinds.refused.exit,
  failureKinds.unreachable.exit,
  failureKinds.incomplete.exit,
]

export function exitOf(apps: readonly Safety[]): number {
  const exits = new Set(apps.map(exitOfOne))
  return WORST.find((exit) => exits.has(exit)) ?? 0
}

/** What was found damaged is said also of an app whose state is not known. */
function exitOfOne({ state, reasons }: Safety): number {
  return reasons.some(({ level }) => level === 'damage') ? failureKinds.corrupt.exit : EXITS[state]
}

function textOf({ apps }: StatusReport): string {
  const width = Math.max(...apps.map(({ app }) => app.length))
  return apps.map((safety) => lineOf(safety, width)).join('\n')
}

/** One line an app: who greps for a state or cuts columns has it whole, also where a reason has the last lines of a program. */
export function lineOf({ app, state, reasons, nextStep }: Safety, width: number): string {
  const isWell = state === 'proven'
  // What speaks for the app is of use where nothing speaks against it.
  const said = reasons.filter(({ level }) => isWell || level !== 'fact')
  const shown = said.map(({ level, message }) => (level === 'warning' ? `WARNING ${message}` : message))
  return [`${app.padEnd(width)}  ${state.toUpperCase().padEnd(11)}  ${shown.map(onOneLine).join('; ')}`, nextStep ?? '']
    .filter((part) => part !== '')
    .join(' -> ')
}

function onOneLine(text: string): string {
  return text.trim().replaceAll(/\s*[\r\n]+\s*/g, ' | ')
}
