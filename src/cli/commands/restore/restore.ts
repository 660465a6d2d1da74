import { Failure, failureKinds } from '../../../core/failure.ts'
import { isGoodFit } from '../../../operations/key-fit/prove.ts'
import type { ChosenPoint } from '../../../operations/points/open-chosen-point.ts'
import { describeInto, intoOptions, type Into } from '../../../operations/restore/into/into.ts'
import type { RestoreJournal } from '../../../operations/restore/journal.ts'
import { destinations, type Destination } from '../../../operations/restore/order.ts'
import { blockers, orderOf, planRestore, type RestorePlan } from '../../../operations/restore/plan.ts'
import type { RestoreReport } from '../../../operations/restore/report.ts'
import { abandonUnfinished, continueUnfinished, runRestore } from '../../../operations/restore/run.ts'
import type { ScratchSummary } from '../../../operations/scratch/remove.ts'
import type { LeftRunning } from '../../../operations/scratch/restore.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { formatDifferences, formatFindings } from '../../print/findings.ts'
import { formatBytes, formatDuration, formatTime, noteLines } from '../../print/format.ts'
import { formatKeyFits } from '../../print/key-fits.ts'
import { chooseApp, type Command } from '../../run-command.ts'
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
  readonly into?: Into
  /** Scratch only. */
  readonly listen?: boolean
}

/** `holdfast restore <app>` */
export async function restore(command: Command, name: string | undefined, options: RestoreOptions): Promise<number> {
  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  if (options.continue === true) {
    const report = await continueUnfinished(app, options.repository, context, options.into)
    command.result({ report }, () => reportText(report))
    return exitOf(report)
  }
  if (options.abandon === true) {
    const journal = await abandonUnfinished(app, context, options.into)
    command.result({ abandoned: journal }, () => abandonedText(journal))
    return 0
  }
  const plan = await planRestore(
    app,
    { ...options, mode: parseMode(options.target), components: options.component },
    context,
  )
  if (options.dryRun === true) return showPlan(command, plan)
  command.say(() => planText(plan))
  const order = orderOf(plan)
  if (plan.mode === 'swap' || plan.mode === 'in-place')
    await confirmByTyping(command.world, plan.confirmation, actOf(plan), options.yes === true)
  const { report, left } = await runRestore(app, order, context)
  if (left !== undefined) return showScratch(command, plan, report, left)
  command.result({ plan, report }, () => reportText(report))
  return exitOf(report)
}

function showScratch(command: Command, plan: RestorePlan, report: RestoreReport, left: LeftRunning): number {
  // The password is nowhere else, so that here it is shown.
  const shown = left.urls.map(({ component, url }) => ({ component, url: url.reveal() }))
  command.result({ plan, report, scratch: left.scratch, ...(plan.listen === true ? { urls: shown } : {}) }, () =>
    [scratchReportText(report, left.scratch), ...urlLines(shown)].join('\n'),
  )
  return isAsCaptured(report) ? 0 : failureKinds.corrupt.exit
}

function showPlan(command: Command, plan: RestorePlan): number {
  command.result({ plan }, () => planText(plan))
  return blockers(plan).length > 0 ? failureKinds.refused.exit : 0
}

function parseMode(text: string | undefined): Destination {
  const known = destinations.find((one) => one === (text ?? 'swap'))
  if (known !== undefined) return known
  throw new Failure('usage', `--target ${JSON.stringify(text)} is not known`, {
    hint: 'Use swap (the default), stage (load and compare, leave the live data alone), scratch (a throw-away copy to look around in) or in-place.',
  })
}

function actOf({ into }: RestorePlan): string {
  return into === undefined ? 'replace the live data' : 'replace what is there'
}

function abandonedText({ restoreId, app, mode, into }: RestoreJournal): string {
  if (into !== undefined) return `Restore ${restoreId} of ${app} into ${describeInto(into)} is given up.`
  return mode === 'in-place'
    ? `Restore ${restoreId} of ${app} is given up; the live data is open again.`
    : `Restore ${restoreId} of ${app} was taken back; what was live before it is live.`
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
    swap: 'load beside, compare, then swap in; the previous data is retained for undo',
    'in-place': 'OVERWRITE IN PLACE; there is no undo but the safety point',
    stage: 'load beside and compare; the live data is left alone',
    scratch: 'load into a throw-away server and folder and leave them to look around in; nothing live is touched',
  }
  return [
    `Restore of ${plan.app} from restore point ${plan.point} (${formatTime(plan.pointCreated)}) in ${plan.repository}`,
    ...noteLines(plan),
    ...(plan.into === undefined ? [] : [`  where: NOT the app's own place, but ${describeInto(plan.into)}`]),
    `  how: ${acts[plan.mode]}`,
    ...(plan.mode === 'scratch' ? [] : [`  safety point first: ${safetyText(plan)}`]),
    ...plan.components.map(({ name, target, bytes }) => `  ${name}: ${formatBytes(bytes)} into ${target}`),
    ...(plan.pauses ?? []).map((name) => `  stopped meanwhile: ${name}`),
    ...plan.missing.map((name) => `  MISSING in this point: ${name}`),
    ...(plan.leftOut ?? []).map((name) => `  LEFT OUT: ${name} cannot be left running; holdfast drill proves it`),
    ...[{ findings: plan.safetyFindings ?? [] }, ...plan.components]
      .map(({ findings }) => formatFindings(findings.filter(({ level }) => level !== 'ok')))
      .filter((text) => text !== ''),
  ].join('\n')
}

function safetyText({ into, safetyPoint }: RestorePlan): string {
  if (into !== undefined) return "none, as what is there is not the app's data"
  return safetyPoint ? 'yes' : 'NO'
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

function undoText({ app, previous, into, restoreId }: RestoreReport): string {
  const undo = `holdfast undo ${app}${into === undefined ? '' : ` --restore ${restoreId}`}`
  return previous.length === 0
    ? `Nothing was live before; ${undo} takes the restored data away again.`
    : `The previous data is retained; ${undo} brings it back.`
}

function ofApp({ app, into }: RestoreReport): string {
  return into === undefined ? app : `${app} into ${describeInto(into)}`
}

function isRestored({ app, point, into }: RestoreReport): string {
  return into === undefined
    ? `${app} is restored from ${point}.`
    : `${app} is restored from ${point} into ${describeInto(into)}; the app's own data was not touched.`
}

function reportText(report: RestoreReport): string {
  if (report.outcome === 'stopped') {
    return [
      `Restore of ${ofApp(report)} STOPPED; the live data ${report.live === 'may be mixed' ? 'MAY BE MIXED' : 'is as it was before'}.`,
      `  ${report.failure?.message ?? ''}`,
      ...(report.failure?.hint === undefined ? [] : [`  ${report.failure.hint}`]),
      formatDifferences(report.differences),
      ...formatKeyFits(report.keyFit),
    ]
      .filter((line) => line !== '')
      .join('\n')
  }
  const took = `${formatBytes(report.bytes)} restored and compared in ${formatDuration(report.durationMilliseconds)}`
  if (report.mode === 'stage')
    return [
      `${report.app} is restored beside the live data, equal to what was captured.`,
      took,
      ...missingLines(report),
      `Make it live with holdfast restore ${report.app}${intoOptions(report.into)} --continue, or remove it with --abandon.`,
    ].join('\n')
  return [
    isRestored(report),
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
