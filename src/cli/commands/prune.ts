import { acceptOptions } from '../../core/accept-ids.ts'
import { failureKinds } from '../../core/failure.ts'
import {
  executePrune,
  forgetExpired,
  planPruneOf,
  withheldBy,
  type ForgottenPrevious,
  type PruneReport,
} from '../../operations/prune/execute.ts'
import type { PrunePlan } from '../../operations/prune/plan.ts'
import { formatBytes, plural, quoted } from '../format.ts'
import { chooseApps, type Command } from '../run-command.ts'

export interface PruneOptions {
  readonly dryRun?: boolean
  readonly accept?: readonly string[]
}

/** `holdfast prune [app]` */
export async function prune(command: Command, name: string | undefined, options: PruneOptions): Promise<number> {
  const apps = chooseApps(command.assembly.apps, name)
  const { accept = [] } = options
  return options.dryRun === true ? await showPlans(command, apps, accept) : await pruneAll(command, apps, accept)
}

type Apps = ReturnType<typeof chooseApps>

async function showPlans(command: Command, apps: Apps, accepted: readonly string[]): Promise<number> {
  const { context } = command.assembly
  const plans: { repository: string; plan: PrunePlan }[] = []
  for (const app of apps) {
    for (const target of app.repositories)
      plans.push({
        repository: target.name,
        plan: await planPruneOf(app, await target.open(context), context, accepted),
      })
  }
  command.result({ plans }, () =>
    plans.map(({ repository, plan }) => planText(repository, plan, accepted)).join('\n\n'),
  )
  return plans.some(({ plan }) => isDamaged(plan)) ? failureKinds.corrupt.exit : 0
}

async function pruneAll(command: Command, apps: Apps, accepted: readonly string[]): Promise<number> {
  const { context } = command.assembly
  const reports: PruneReport[] = []
  const forgotten: ForgottenPrevious[] = []
  for (const app of apps) {
    for (const target of app.repositories) reports.push(await executePrune(app, target, accepted, context))
    forgotten.push(...(await forgetExpired(app, context, accepted)))
  }
  command.result({ reports, forgotten }, () =>
    [...reports.map((report) => reportText(report, accepted)), ...forgotten.map(forgottenText)].join('\n'),
  )
  if (reports.some(({ plan }) => isDamaged(plan))) return failureKinds.corrupt.exit
  if (reports.some(({ withheld }) => withheld.length > 0)) return failureKinds.refused.exit
  return forgotten.some(({ failure }) => failure !== undefined) ? failureKinds.incomplete.exit : 0
}

function isDamaged({ unopenable }: PrunePlan): boolean {
  return unopenable.length > 0
}

function unopenableText({ unopenable }: PrunePlan): string[] {
  return unopenable.map(({ point, message }) => `  DAMAGED ${point}, which is relied on no longer: ${message}`)
}

function planText(repository: string, plan: PrunePlan, accepted: readonly string[]): string {
  const verdicts = plan.verdicts.map(
    ({ point, note, keep, reasons }) =>
      `  ${keep ? 'keep  ' : 'REMOVE'}  ${point}  ${[...reasons, ...(note === undefined ? [] : [quoted(note)])].join('; ')}`,
  )
  const stops = withheldBy(plan, accepted)
  return [
    `${plan.app} in ${repository}: ${plural(plan.removals.length, 'restore point')} of ${plan.verdicts.length} to remove`,
    ...verdicts,
    ...unopenableText(plan),
    ...stops.map((reason) => `  withheld: ${reason}`),
    ...(stops.length > 0 ? waysOn(plan, accepted) : []),
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
