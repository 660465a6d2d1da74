import type { Command as Commander } from 'commander'
import type { PausePlan } from '../../../operations/pause/pause.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { timeOption } from '../../ask/time-option.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatTime, quoted } from '../../print/format.ts'
import { comesBackText } from '../../print/pause-lines.ts'
import { windowLines } from '../../print/window-lines.ts'
import type { Command } from '../../run-command.ts'

interface PauseOptions {
  readonly accept?: readonly string[]
  readonly for?: string
  readonly reason?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export function addPause(program: Commander, cli: Cli): void {
  program
    .command('pause [app]')
    .description('stop the workloads of the app that run, until holdfast resume or for a time')
    .option('--for <time>', 'start it again by itself after this time, for example 2h')
    .option('--reason <text>', 'say why, for everybody who finds the app stopped')
    .addOption(acceptOption('pause'))
    .option('-n, --dry-run', 'show what would be stopped')
    .option('-y, --yes', 'do not ask to type the name of the app')
    .action((name: string | undefined, options: PauseOptions, command: Commander) =>
      run(cli, command, (given) => pause(given, name, options), options.dryRun),
    )
}

async function pause(command: Command, name: string | undefined, options: PauseOptions): Promise<Ending> {
  const { pauseOrder, planPause, runPause } = await import('../../../operations/pause/pause.ts')
  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  const plan = await planPause(
    app,
    { reason: options.reason, accept: options.accept, forMilliseconds: await timeOption('--for', options.for) },
    context,
  )
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 'done'
  }
  command.say(() => planText(plan))
  if (plan.workloads.length > 0)
    await confirmByTyping(command.ports, plan.confirmation, 'stop these', options.yes === true)
  const report = await runPause(app, pauseOrder.parse(plan), context)
  command.result({ report }, () =>
    report.workloads.length === 0
      ? `Nothing of ${app.name} runs, so nothing was stopped.`
      : `${app.name} is paused: ${report.workloads.join(', ')} are stopped until ${endOf(report)}.`,
  )
  return 'done'
}

function endOf({ app, until }: Pick<PausePlan, 'app' | 'until'>): string {
  return `${until === null ? '' : `${formatTime(until)} or `}holdfast resume ${app}`
}

function planText(plan: PausePlan): string {
  const { app, reason, workloads, comesBack } = plan
  if (workloads.length === 0) return `Nothing of ${app} runs.`
  return [
    `Pause of ${app} until ${endOf(plan)}${reason === null ? '' : ` (${quoted(reason)})`} would`,
    ...comesBack.map((one) => `  stop ${comesBackText(one)}`),
    ...windowLines(plan),
  ].join('\n')
}
