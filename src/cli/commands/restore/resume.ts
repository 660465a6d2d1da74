import type { Command as Commander } from 'commander'
import type { ResumePlan } from '../../../operations/pause/resume.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatTime, quoted } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

interface ResumeOptions {
  readonly accept?: readonly string[]
  readonly dryRun?: boolean
}

export function addResume(program: Commander, cli: Cli): void {
  program
    .command('resume [app]')
    .description('start the workloads that Holdfast stopped, and end a pause')
    .addOption(acceptOption('resume'))
    .option('-n, --dry-run', 'show what would be started')
    .action((name: string | undefined, options: ResumeOptions, command: Commander) =>
      run(cli, command, (given) => resume(given, name, options), options.dryRun),
    )
}

async function resume(command: Command, name: string | undefined, options: ResumeOptions): Promise<Ending> {
  const { planResume, resumeOrder, runResume } = await import('../../../operations/pause/resume.ts')
  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  const plan = await planResume(app, options.accept ?? [], context)
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 'done'
  }
  const report = await runResume(app, resumeOrder.parse(plan), context)
  command.result({ report }, () =>
    report.paused === undefined ? notPaused(app.name) : `${app.name} runs again: ${report.workloads.join(', ')}.`,
  )
  return 'done'
}

const notPaused = (app: string): string => `Holdfast keeps nothing of ${app} stopped.`

function planText({ app, paused, reason, workloads }: ResumePlan): string {
  if (paused === undefined) return notPaused(app)
  const why = reason === null ? '' : ` (${quoted(reason)})`
  return [
    `${app} is paused by ${paused.operation} ${paused.id} since ${formatTime(paused.since)}${why}. To resume would`,
    ...workloads.map((workload) => `  start ${workload}`),
  ].join('\n')
}
