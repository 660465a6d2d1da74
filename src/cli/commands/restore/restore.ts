import { Option, type Command as Commander } from 'commander'
import type { App } from '../../../operations/app.ts'
import type { ChosenPoint } from '../../../operations/points/open-chosen-point.ts'
import type { Into } from '../../../core/texts/into-text.ts'
import type { Destination } from '../../../operations/restore/order.ts'
import type { RestorePlan } from '../../../operations/restore/plan.ts'
import type { RestoreReport } from '../../../operations/restore/report.ts'
import type { LeftRunning } from '../../../operations/scratch/restore.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { intoOption } from '../../ask/into-option.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { Command } from '../../run-command.ts'

interface RestoreOptions extends ChosenPoint {
  readonly target: Destination
  readonly component?: readonly string[]
  readonly safetyPoint: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly continue?: boolean
  readonly abandon?: boolean
  readonly accept?: readonly string[]
  readonly into?: Into
  /** Scratch only. */
  readonly listen?: boolean
}

const TARGETS: readonly Destination[] = ['swap', 'stage', 'in-place', 'scratch']

export function addRestore(program: Commander, cli: Cli): void {
  program
    .command('restore [app]')
    .description('restore beside the live data, compare, then swap it in')
    .option('--at <point>', 'latest (default), an id or its start, or a time such as 2026-11-22T02:00Z')
    .addOption(
      new Option(
        '--target <how>',
        'where it goes: live by swap, staged and left, over the live data, or a throw-away copy to look at',
      )
        .choices(TARGETS)
        .default('swap'),
    )
    .option(
      '--component <name>',
      'only this component (may be repeated)',
      (name: string, names?: readonly string[]) => [...(names ?? []), name],
    )
    .addOption(intoOption())
    .addOption(acceptOption('restore'))
    .option('--repository <name>', 'read from this repository only')
    .option('--no-safety-point', 'do not back up the live data first')
    .option('--listen', 'scratch: let applications of this machine connect over the loopback, and print a URL for them')
    .option('-n, --dry-run', 'show the plan and stop')
    .option('-y, --yes', 'do not ask to type the name of the target')
    .option('--continue', 'finish a restore that was cut off or left staged; with the same --into as before')
    .option('--abandon', 'take such a restore back')
    .action((name: string | undefined, options: RestoreOptions, command: Commander) =>
      run(cli, command, (given) => restore(given, chooseApp(given.assembly.apps, name), options), options.dryRun),
    )
}

async function restore(command: Command, app: App, options: RestoreOptions): Promise<Ending> {
  if (options.continue === true) return await finish(command, app, options)
  if (options.abandon === true) return await abandon(command, app, options)
  const { orderOf, planRestore } = await import('../../../operations/restore/plan.ts')
  const { runRestore } = await import('../../../operations/restore/run.ts')
  const { planText, reportText } = await import('./restore-text.ts')
  const { context } = command.assembly
  const plan = await planRestore(app, { ...options, mode: options.target, components: options.component }, context)
  if (options.dryRun === true) return await showPlan(command, plan)
  command.say(() => planText(plan))
  const order = orderOf(plan)
  if (plan.mode === 'swap' || plan.mode === 'in-place')
    await confirmByTyping(command.ports, plan.confirmation, actOf(plan), options.yes === true)
  const { report, left } = await runRestore(app, order, context)
  if (left !== undefined) return await showScratch(command, plan, report, left)
  command.result({ plan, report }, () => reportText(report))
  return endingOf(report)
}

function actOf({ into }: RestorePlan): string {
  return into === undefined ? 'replace the live data' : 'replace what is there'
}

async function finish(command: Command, app: App, { accept, repository, into }: RestoreOptions): Promise<Ending> {
  const { continueUnfinished } = await import('../../../operations/restore/run.ts')
  const { reportText } = await import('./restore-text.ts')
  const report = await continueUnfinished(app, repository, command.assembly.context, into, accept)
  command.result({ report }, () => reportText(report))
  return endingOf(report)
}

async function abandon(command: Command, app: App, { into }: RestoreOptions): Promise<Ending> {
  const { abandonUnfinished } = await import('../../../operations/restore/run.ts')
  const { abandonedText } = await import('./restore-text.ts')
  const journal = await abandonUnfinished(app, command.assembly.context, into)
  command.result({ abandoned: journal }, () => abandonedText(journal))
  return 'done'
}

async function showPlan(command: Command, plan: RestorePlan): Promise<Ending> {
  const { blockers } = await import('../../../operations/restore/plan.ts')
  const { planText } = await import('./restore-text.ts')
  command.result({ plan }, () => planText(plan))
  return blockers(plan).length > 0 ? 'refused' : 'done'
}

async function showScratch(
  command: Command,
  plan: RestorePlan,
  report: RestoreReport,
  left: LeftRunning,
): Promise<Ending> {
  const { isAsCaptured, scratchReportText, urlLines } = await import('./restore-text.ts')
  // The password is nowhere else, so that here it is shown.
  const shown = left.urls.map(({ component, url }) => ({ component, url: url.reveal() }))
  command.result({ plan, report, scratch: left.scratch, ...(plan.listen === true ? { urls: shown } : {}) }, () =>
    [scratchReportText(report, left.scratch), ...urlLines(shown)].join('\n'),
  )
  return isAsCaptured(report) ? 'done' : 'corrupt'
}

function endingOf(report: RestoreReport): Ending {
  if (report.outcome === 'done') return 'done'
  return report.failure === undefined ? 'incomplete' : report.failure.kind
}
