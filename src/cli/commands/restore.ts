import { acceptedNames, KEY_MISFIT, restoreIdsOf, type AcceptId } from '../../core/accept-ids.ts'
import { Failure, failureKinds } from '../../core/failure.ts'
import type { App } from '../../operations/app.ts'
import { findPoint, fromRepository } from '../../operations/points/find-point.ts'
import { executeRestore } from '../../operations/restore/execute.ts'
import { unfinishedJournal, type RestoreJournal } from '../../operations/restore/journal.ts'
import { assertExecutable, blockers, planRestore, type RestorePlan } from '../../operations/restore/plan.ts'
import type { RestoreReport } from '../../operations/restore/report.ts'
import { abandonRestore, howToGoOn, resumeRestore } from '../../operations/restore/resume.ts'
import { openTargets } from '../../operations/restore/targets.ts'
import { openPoint } from '../../operations/source.ts'
import type { ScratchSummary } from '../../operations/scratch/remove.ts'
import { executeScratch, planScratch } from '../../operations/scratch/restore.ts'
import { openChosenPoint, type ChosenPoint } from '../chosen-point.ts'
import { confirmByTyping } from '../confirm.ts'
import { formatDifferences, formatFindings } from '../findings.ts'
import { formatBytes, formatDuration, formatTime, noteLines } from '../format.ts'
import { formatKeyFits } from '../key-fits.ts'
import { isGoodFit } from '../../operations/key-fit/prove.ts'
import { chooseApp, type Command } from '../run-command.ts'
import { placeLines } from './scratch.ts'

export interface RestoreOptions extends ChosenPoint {
  readonly target?: string
  readonly component?: readonly string[]
  readonly safetyPoint: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly continue?: boolean
  readonly abandon?: boolean
  readonly accept?: readonly string[]
  /** Scratch only. */
  readonly listen?: boolean
}

/** `holdfast restore <app>` */
export async function restore(command: Command, name: string | undefined, options: RestoreOptions): Promise<number> {
  const app = chooseApp(command.assembly.apps, name)
  if (options.continue === true) return await resume(command, app, options)
  if (options.abandon === true) return await abandon(command, app)
  if (options.listen === true && options.target !== 'scratch')
    throw new Failure('usage', '--listen is for --target scratch', { hint: 'Add --target scratch, or leave it out.' })
  if (options.target === 'scratch') return await restoreToScratch(command, app, options)
  await refuseUnfinished(command, app)
  return await restoreAnew(command, app, options)
}

async function restoreAnew(command: Command, app: App, options: RestoreOptions): Promise<number> {
  const { context } = command.assembly
  const mode = parseMode(options.target)
  const { found, reader } = await openChosenPoint(app, options, context)
  const restoreId = context.newId().slice(-8)
  const accept = withoutOf(options)
  const targets = await openTargets(
    app,
    reader,
    {
      mode: mode === 'in-place' ? mode : 'swap',
      restoreId,
      scratchFolder: '',
      components: options.component,
      proofs: found.point.proofs,
      accept,
    },
    context,
  )
  const safetyPoint = options.safetyPoint && mode !== 'beside'
  const plan = await planRestore(
    reader,
    targets,
    {
      restoreId,
      mode,
      repository: found.repositoryName,
      safetyPoint,
      chosen: options.component,
      acceptedMisfits: acceptedNames(options.accept ?? [], KEY_MISFIT),
      ...(accept === undefined ? {} : { accept }),
    },
    context,
    app,
  )
  if (options.dryRun === true) return showPlan(command, plan)
  command.say(() => planText(plan))
  assertExecutable(plan)
  if (mode !== 'beside')
    await confirmByTyping(command.world, plan.confirmation, 'replace the live data', options.yes === true)
  const report = await executeRestore(app, reader, targets, plan, context)
  command.result({ plan, report }, () => reportText(report))
  return exitOf(report)
}

/** Leaves a throw-away copy running. Nothing live is touched, so nothing is asked and no unfinished restore is in the way. */
async function restoreToScratch(command: Command, app: App, options: RestoreOptions): Promise<number> {
  const { context } = command.assembly
  const { found, reader } = await openChosenPoint(app, options, context)
  const request = {
    repository: found.repositoryName,
    components: options.component,
    proofs: found.point.proofs,
    accept: withoutOf(options),
  }
  const planned = await planScratch(app, reader, request, context)
  const { plan } = planned
  if (options.dryRun === true) {
    await planned.folder.remove()
    return showPlan(command, plan)
  }
  command.say(() => planText(plan))
  const listen = options.listen === true
  const { report, scratch, urls } = await executeScratch(app, reader, planned, context, { listen })
  // The password is nowhere else, so that here it is shown.
  const shown = urls.map(({ component, url }) => ({ component, url: url.reveal() }))
  command.result({ plan, report, scratch, ...(listen ? { urls: shown } : {}) }, () =>
    [scratchReportText(report, scratch), ...urlLines(shown)].join('\n'),
  )
  return isAsCaptured(report) ? 0 : failureKinds.corrupt.exit
}

/** What the restore goes on without; undefined where nothing of the kind was said. */
function withoutOf({ accept = [] }: RestoreOptions): readonly AcceptId[] | undefined {
  const ids = restoreIdsOf(accept)
  return ids.length === 0 ? undefined : ids
}

function showPlan(command: Command, plan: RestorePlan): number {
  command.result({ plan }, () => planText(plan))
  return blockers(plan).length > 0 ? failureKinds.refused.exit : 0
}

function parseMode(text: string | undefined): RestorePlan['mode'] {
  if (text === undefined || text === 'swap') return 'swap'
  if (text === 'in-place' || text === 'beside') return text
  throw new Failure('usage', `--target ${JSON.stringify(text)} is not known`, {
    hint: 'Use swap (the default), beside (load and compare, leave the live data alone), scratch (a throw-away copy to look around in) or in-place.',
  })
}

async function refuseUnfinished(command: Command, app: App): Promise<void> {
  const journal = await unfinishedJournal(app.name, command.assembly.context.records)
  if (journal === undefined) return
  throw new Failure(
    'refused',
    `restore ${journal.restoreId} of app ${app.name} is unfinished: it stopped while ${journal.stage}`,
    { hint: howToGoOn(journal) },
  )
}

async function resume(command: Command, app: App, options: RestoreOptions): Promise<number> {
  const { context } = command.assembly
  const journal = await requireUnfinished(command, app)
  const found = await findPoint(fromRepository(app, options.repository), { id: journal.point }, context)
  const reader = await openPoint(found.repository, journal.point, context)
  const report = await resumeRestore(app, reader, journal, context)
  command.result({ report }, () => reportText(report))
  return exitOf(report)
}

async function abandon(command: Command, app: App): Promise<number> {
  const journal = await abandonRestore(app, await requireUnfinished(command, app), command.assembly.context)
  command.result({ abandoned: journal }, () => abandonedText(journal))
  return 0
}

function abandonedText({ restoreId, app, mode }: RestoreJournal): string {
  return mode === 'in-place'
    ? `Restore ${restoreId} of ${app} is given up; the live data is open again.`
    : `Restore ${restoreId} of ${app} was taken back; what was live before it is live.`
}

async function requireUnfinished(
  command: Command,
  app: App,
): Promise<NonNullable<Awaited<ReturnType<typeof unfinishedJournal>>>> {
  const journal = await unfinishedJournal(app.name, command.assembly.context.records)
  if (journal !== undefined) return journal
  throw new Failure('notFound', `app ${app.name} has no unfinished restore on this machine`, {
    hint: 'The journal of a restore is in the state folder of the machine that ran it; run this there.',
  })
}

function exitOf(report: RestoreReport): number {
  if (report.outcome === 'done') return 0
  return report.failure === undefined ? 3 : failureKinds[report.failure.kind].exit
}

function missingLines({ missing }: RestoreReport): readonly string[] {
  return missing.map((name) => `  NOT RESTORED, or not whole: the point lacks ${name}, or something of it`)
}

function planText(plan: RestorePlan): string {
  const acts = {
    swap: 'load beside, compare, then swap in; the previous data is kept for undo',
    'in-place': 'OVERWRITE IN PLACE; there is no undo but the safety point',
    beside: 'load beside and compare; the live data is left alone',
    scratch: 'load into a throw-away server and folder and leave them to look around in; nothing live is touched',
  }
  return [
    `Restore of ${plan.app} from restore point ${plan.point} (${formatTime(plan.pointCreated)}) in ${plan.repository}`,
    ...noteLines(plan),
    `  how: ${acts[plan.mode]}`,
    ...(plan.mode === 'scratch' ? [] : [`  safety point first: ${plan.safetyPoint ? 'yes' : 'NO'}`]),
    ...plan.components.map(({ name, target, bytes }) => `  ${name}: ${formatBytes(bytes)} into ${target}`),
    ...plan.missing.map((name) => `  MISSING in this point: ${name}`),
    ...(plan.leftOut ?? []).map((name) => `  LEFT OUT: ${name} cannot be left running; holdfast drill proves it`),
    ...[{ findings: plan.safetyFindings ?? [] }, ...plan.components]
      .map(({ findings }) => formatFindings(findings.filter(({ level }) => level !== 'ok')))
      .filter((text) => text !== ''),
  ].join('\n')
}

/** And the keys open it. */
function isAsCaptured({ differences, keyFit }: RestoreReport): boolean {
  return differences.length === 0 && keyFit.every(isGoodFit)
}

function scratchReportText(report: RestoreReport, scratch: ScratchSummary): string {
  const isEqual = isAsCaptured(report)
  return [
    `${report.app} from ${report.point} is in a throw-away place, ${isEqual ? 'equal to what was captured, checks passed' : 'and NOT WHAT WAS CAPTURED'}.`,
    `${formatBytes(report.bytes)} restored and compared in ${formatDuration(report.durationMilliseconds)}`,
    ...missingLines(report),
    ...report.remarks.map((remark) => `  ${remark}`),
    ...(report.differences.length === 0 ? [] : [formatDifferences(report.differences)]),
    ...formatKeyFits(report.keyFit),
    ...placeLines(scratch),
    `Remove it with holdfast scratch remove ${report.restoreId}; holdfast prune does so after ${formatTime(scratch.until ?? '')}.`,
  ].join('\n')
}

function urlLines(urls: readonly { readonly component: string; readonly url: string }[]): readonly string[] {
  if (urls.length === 0) return []
  return [
    '',
    ...urls.map(({ component, url }) => `${component}: ${url}`),
    'This is shown once: the password was made for it and is kept nowhere. The server listens on 127.0.0.1 only.',
    'A container reaches it with the network of the host (docker run --network host); in Docker Desktop also by',
    'host.docker.internal in place of 127.0.0.1. Stop the app from sending mail or changing others before you start it on old data.',
  ]
}

function undoText({ app, previous }: RestoreReport): string {
  return previous.length === 0
    ? `Nothing was live before; holdfast undo ${app} takes the restored data away again.`
    : `The previous data is kept; holdfast undo ${app} brings it back.`
}

function reportText(report: RestoreReport): string {
  if (report.outcome === 'stopped') {
    return [
      `Restore of ${report.app} STOPPED; the live data ${report.live === 'may be mixed' ? 'MAY BE MIXED' : 'is as it was before'}.`,
      `  ${report.failure?.message ?? ''}`,
      ...(report.failure?.hint === undefined ? [] : [`  ${report.failure.hint}`]),
      formatDifferences(report.differences),
      ...formatKeyFits(report.keyFit),
    ]
      .filter((line) => line !== '')
      .join('\n')
  }
  const took = `${formatBytes(report.bytes)} restored and compared in ${formatDuration(report.durationMilliseconds)}`
  if (report.mode === 'beside')
    return [
      `${report.app} is restored beside the live data, equal to what was captured.`,
      took,
      ...missingLines(report),
      `Make it live with holdfast restore ${report.app} --continue, or remove it with --abandon.`,
    ].join('\n')
  return [
    `${report.app} is restored from ${report.point}.`,
    `${took}; writers were locked out for ${formatDuration(report.downtimeMilliseconds)}${silenceText(report)}`,
    ...missingLines(report),
    ...report.remarks.map((remark) => `  ${remark}`),
    ...formatKeyFits(report.keyFit),
    ...(report.safetyPoint === null ? [] : [`Safety point from before: ${report.safetyPoint}`]),
    ...(report.mode === 'swap' ? [undoText(report)] : []),
  ].join('\n')
}

function silenceText({ clientSilenceMilliseconds: silence }: RestoreReport): string {
  return silence === null ? '' : `, a client had no answer for ${formatDuration(silence)}`
}
