import type { Command as Commander } from 'commander'
import type { Judgement } from '../../../operations/guard/judge.ts'
import type { PausePlan } from '../../../operations/pause/pause.ts'
import type { ResumePlan } from '../../../operations/pause/resume.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatTime, quoted } from '../../print/format.ts'
import { comesBackText } from '../../print/pause-lines.ts'
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
  const { comesBackOf } = await import('../../../operations/pause/workloads.ts')
  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  const plan = await planResume(app, options.accept ?? [], context)
  if (options.dryRun === true) {
    // Only here: while the platform does not answer, a resume still lets writers in to whole data.
    const shown = { ...plan, comesBack: await comesBackOf(app, plan.workloads, context) }
    command.result({ plan: shown }, () => planText(shown))
    return 'done'
  }
  const report = await runResume(app, resumeOrder.parse(plan), context)
  command.result({ report }, () =>
    [settledText(report.settles), startedText(report)].filter((part) => part !== '').join(' '),
  )
  return 'done'
}

function startedText({
  app,
  paused,
  settles,
  workloads,
}: Pick<ResumePlan, 'app' | 'paused' | 'settles' | 'workloads'>): string {
  if (paused !== undefined) return `${app} runs again: ${workloads.join(', ')}.`
  return settles === undefined ? notPaused(app) : ''
}

const SETTLED: Readonly<Record<Judgement, string>> = {
  'let in': 'What was live before is whole, and writers are let in.',
  finish: 'The restored data is whole, and writers are let in.',
  'take back': 'The restore was cut off in the middle; the data from before is live again.',
  'undo on': 'The undo was cut off in the middle and is finished.',
  leave: '',
}

const settledText = (settles: Judgement | undefined): string => (settles === undefined ? '' : SETTLED[settles])

const notPaused = (app: string): string => `Holdfast keeps nothing of ${app} stopped.`

const WOULD_SETTLE: Readonly<Record<Judgement, string>> = {
  'let in': 'let writers in to what was live before',
  finish: 'let writers in to the restored data',
  'take back': 'bring the data from before back',
  'undo on': 'finish the undo',
  leave: '',
}

function planText({ app, paused, reason, settles, comesBack }: ResumePlan & Pick<PausePlan, 'comesBack'>): string {
  const opens = settles === undefined ? [] : [`  ${WOULD_SETTLE[settles]}`]
  if (paused === undefined)
    return settles === undefined ? notPaused(app) : [`To resume ${app} would`, ...opens].join('\n')
  const why = reason === null ? '' : ` (${quoted(reason)})`
  return [
    `${app} is paused by ${paused.operation} ${paused.id} since ${formatTime(paused.since)}${why}. To resume would`,
    ...opens,
    ...comesBack.map((one) => `  start ${comesBackText(one)}`),
  ].join('\n')
}
