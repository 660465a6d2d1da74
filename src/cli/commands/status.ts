import type { Command as Commander } from 'commander'
import { Failure } from '../../core/failure.ts'
import type { Safety, SafetyState } from '../../core/safety/safety.ts'
import type { StatusReport } from '../../operations/status/status.ts'
import { JITTER, waitJitter } from '../ask/wait-jitter.ts'
import { chooseApps } from '../choose-app.ts'
import { run, type Cli } from '../cli.ts'
import type { Ending } from '../ending.ts'
import type { Command } from '../run-command.ts'

interface StatusOptions {
  readonly metrics?: boolean
  readonly jitter?: string
}

export function addStatus(program: Commander, cli: Cli): void {
  program
    .command('status [app]')
    .description('say whether each app is safe, why, and what to do next; the exit code is that of the worst')
    .option(...JITTER)
    .option('--metrics', 'print the result as metrics in the text format of Prometheus')
    .action((name: string | undefined, options: StatusOptions, command: Commander) =>
      run(cli, command, (given) => status(given, name, options), true),
    )
}

async function status(
  command: Command,
  name: string | undefined,
  { metrics = false, jitter }: StatusOptions,
): Promise<Ending> {
  if (metrics && command.options.json === true)
    throw new Failure('usage', '--metrics and --json are two forms of one result', { hint: 'Give one of them.' })
  const { readStatus } = await import('../../operations/status/status.ts')
  const { safetyMetrics } = await import('../../core/safety/safety-metrics.ts')

  const { context, apps } = command.assembly
  await waitJitter(jitter, context)
  const chosen = chooseApps(apps, name)
  const announced = { command: 'status', apps: chosen.map((app) => app.name) } as const
  command.announce(announced)
  const report = await readStatus(chosen, context)
  const asMetrics = (): string => safetyMetrics(report.apps, context.clock.now().getTime())
  command.announce({ ...announced, metrics: asMetrics })
  const text = metrics ? asMetrics : () => textOf(report)
  command.result(report, text)
  return endingOf(report.apps)
}

const ENDINGS: Readonly<Record<SafetyState, Ending>> = {
  proven: 'done',
  unproven: 'incomplete',
  unknown: 'unreachable',
  'at risk': 'refused',
  unprotected: 'refused',
}

/** The worst first. */
const WORST: readonly Ending[] = ['corrupt', 'refused', 'unreachable', 'incomplete']

export function endingOf(apps: readonly Safety[]): Ending {
  const endings = new Set(apps.map(endingOfOne))
  return WORST.find((ending) => endings.has(ending)) ?? 'done'
}

/** What was found damaged is said also of an app whose state is not known. */
function endingOfOne({ state, reasons }: Safety): Ending {
  return reasons.some(({ level }) => level === 'damage') ? 'corrupt' : ENDINGS[state]
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
