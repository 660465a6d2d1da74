import type { Command as Commander } from 'commander'
import { acceptOptions } from '../../../core/accept-ids.ts'
import type { PruneReport } from '../../../operations/prune/execute.ts'
import type { ForgottenPrevious } from '../../../operations/prune/forgotten.ts'
import type { PrunePlan } from '../../../operations/prune/plan.ts'
import type { AppPrunePlan, AppPruneReport } from '../../../operations/prune/prune.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { JITTER, waitJitter } from '../../ask/wait-jitter.ts'
import { chooseApps } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, plural, quoted } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

interface PruneOptions {
  readonly dryRun?: boolean
  readonly jitter?: string
  readonly accept?: readonly string[]
}

export function addPrune(program: Commander, cli: Cli): void {
  program
    .command('prune [app]')
    .description('remove restore points by the retention rules, never the last good ones')
    .option('-n, --dry-run', 'show every verdict with its reasons and stop')
    .option(...JITTER)
    .addOption(acceptOption('prune'))
    .action((name: string | undefined, options: PruneOptions, command: Commander) =>
      run(cli, command, (given) => prune(given, name, options), options.dryRun),
    )
}

async function prune(command: Command, name: string | undefined, options: PruneOptions): Promise<Ending> {
  const { planPrune, pruneOrder, runPrune } = await import('../../../operations/prune/prune.ts')
  const { apps, context } = command.assembly
  await waitJitter(options.jitter, context)

  const { accept = [] } = options
  const chosen = chooseApps(apps, name)
  if (options.dryRun === true) {
    const planned: AppPrunePlan[] = []
    for (const app of chosen) planned.push(await planPrune(app, accept, context))
    return showPlans(command, planned)
  }
  command.announce({ command: 'prune', apps: chosen.map((app) => app.name) })
  const ran: AppPruneReport[] = []
  for (const app of chosen) ran.push(await runPrune(app, pruneOrder.parse({ app: app.name, accept }), context))
  return showReports(command, ran, accept)
}

function showPlans(command: Command, planned: readonly AppPrunePlan[]): Ending {
  const plans = planned.flatMap(({ plans: some }) => some.map(({ repository, plan }) => ({ repository, plan })))
  command.result({ plans }, () => planned.flatMap(planTexts).join('\n\n'))
  return plans.some(({ plan }) => isDamaged(plan)) ? 'corrupt' : 'done'
}

function showReports(command: Command, ran: readonly AppPruneReport[], accept: readonly string[]): Ending {
  const [reports, forgotten] = [ran.flatMap((one) => one.reports), ran.flatMap((one) => one.forgotten)]
  command.result({ reports, forgotten }, () =>
    [...reports.map((report) => reportText(report, accept)), ...forgotten.map(forgottenText)].join('\n'),
  )
  if (reports.some(({ plan }) => isDamaged(plan))) return 'corrupt'
  if (reports.some(({ withheld }) => withheld.length > 0)) return 'refused'
  return forgotten.some(({ failure }) => failure !== undefined) ? 'incomplete' : 'done'
}

function isDamaged({ unopenable }: PrunePlan): boolean {
  return unopenable.length > 0
}

function unopenableText({ unopenable }: PrunePlan): string[] {
  return unopenable.map(({ point, message }) => `  DAMAGED ${point}, which is relied on no longer: ${message}`)
}

function planTexts({ plans, accept }: AppPrunePlan): string[] {
  return plans.map((one) => planText(one, accept))
}

function planText({ repository, plan, withheld }: AppPrunePlan['plans'][number], accepted: readonly string[]): string {
  const verdicts = plan.verdicts.map(
    ({ point, note, keep, reasons }) =>
      `  ${keep ? 'keep  ' : 'REMOVE'}  ${point}  ${[...reasons, ...(note === undefined ? [] : [quoted(note)])].join('; ')}`,
  )
  return [
    `${plan.app} in ${repository}: ${plural(plan.removals.length, 'restore point')} of ${plan.verdicts.length} to remove`,
    ...verdicts,
    ...unopenableText(plan),
    ...withheld.map((reason) => `  withheld: ${reason}`),
    ...(withheld.length > 0 ? waysOn(plan, accepted) : []),
  ].join('\n')
}

/** What to do about what withholds it, with the command to type. */
function waysOn(plan: PrunePlan, accepted: readonly string[]): readonly string[] {
  const ids = [...accepted, ...plan.accept]
  const command =
    plan.accept.length === 0 ? [] : [`  to go on nevertheless: holdfast prune ${plan.app} ${acceptOptions(ids)}`]
  return [...plan.advice.map((sentence) => `  ${sentence}`), ...command]
}

function reportText(report: PruneReport, accepted: readonly string[]): string {
  const { app, repository, removed, swept, withheld, plan } = report
  const head = `${app} in ${repository}: removed ${plural(removed.length, 'restore point')} of ${plan.verdicts.length}; ${formatBytes(swept.removedBytes)} of old data is gone for good`
  const undo = removed.length === 0 ? [] : ['  for 72 hours holdfast undelete brings a removed point back']
  return [
    head,
    ...undo,
    ...removed.map((point) => `  ${point}`),
    ...unopenableText(plan),
    ...withheld.map((reason) => `  withheld: ${reason}`),
    ...(withheld.length > 0 ? [`  holdfast prune ${app} --dry-run shows the plan`, ...waysOn(plan, accepted)] : []),
  ].join('\n')
}

function forgottenText({ component, description, failure }: ForgottenPrevious): string {
  return failure === undefined
    ? `${component}: removed ${description}, whose time is over`
    : `${component}: ${description} could not be removed: ${failure}`
}
