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
import { formatBytes, plural } from '../format.ts'
import { chooseApps, type Command } from '../run-command.ts'

export interface PruneOptions {
  readonly dryRun?: boolean
  readonly approve?: string
}

/** `holdfast prune [app]` */
export async function prune(command: Command, name: string | undefined, options: PruneOptions): Promise<number> {
  const apps = chooseApps(command.assembly.apps, name)
  return options.dryRun === true ? await showPlans(command, apps) : await pruneAll(command, apps, options.approve)
}

type Apps = ReturnType<typeof chooseApps>

async function showPlans(command: Command, apps: Apps): Promise<number> {
  const { context } = command.assembly
  const plans: { repository: string; plan: PrunePlan }[] = []
  for (const app of apps) {
    for (const target of app.repositories)
      plans.push({ repository: target.name, plan: await planPruneOf(app, await target.open(context), context) })
  }
  command.result({ plans }, () => plans.map(({ repository, plan }) => planText(repository, plan)).join('\n\n'))
  return plans.some(({ plan }) => isDamaged(plan)) ? failureKinds.corrupt.exit : 0
}

async function pruneAll(command: Command, apps: Apps, approval: string | undefined): Promise<number> {
  const { context } = command.assembly
  const reports: PruneReport[] = []
  const forgotten: ForgottenPrevious[] = []
  for (const app of apps) {
    for (const target of app.repositories) reports.push(await executePrune(app, target, approval, context))
    forgotten.push(...(await forgetExpired(app, context)))
  }
  command.result({ reports, forgotten }, () => [...reports.map(reportText), ...forgotten.map(forgottenText)].join('\n'))
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

function planText(repository: string, plan: PrunePlan): string {
  const verdicts = plan.verdicts.map(
    ({ point, keep, reasons }) => `  ${keep ? 'keep  ' : 'REMOVE'}  ${point}  ${reasons.join('; ')}`,
  )
  const stops = withheldBy(plan, undefined).map((reason) => `  withheld: ${reason}`)
  const approve =
    plan.needsApproval.length > 0 && plan.removals.length > 0
      ? [`  to carry it out: holdfast prune ${plan.app} --approve ${plan.hash}`]
      : []
  return [
    `${plan.app} in ${repository}: ${plural(plan.removals.length, 'restore point')} of ${plan.verdicts.length} to remove`,
    ...verdicts,
    ...unopenableText(plan),
    ...stops,
    ...approve,
  ].join('\n')
}

function reportText(report: PruneReport): string {
  const { app, repository, removed, swept, withheld, plan } = report
  const head = `${app} in ${repository}: removed ${plural(removed.length, 'restore point')} of ${plan.verdicts.length}; ${formatBytes(swept.removedBytes)} of old data is gone for good`
  const undo = removed.length === 0 ? [] : ['  for 72 hours holdfast undelete brings a removed point back']
  return [
    head,
    ...undo,
    ...removed.map((point) => `  ${point}`),
    ...unopenableText(plan),
    ...withheld.map((reason) => `  withheld: ${reason}`),
    ...(withheld.length > 0 ? [`  holdfast prune ${app} --dry-run shows the plan`] : []),
  ].join('\n')
}

function forgottenText({ component, description, failure }: ForgottenPrevious): string {
  return failure === undefined
    ? `${component}: removed ${description}, whose time is over`
    : `${component}: ${description} could not be removed: ${failure}`
}
