import { describeInto, intoOptions } from '../../../core/texts/into-text.ts'
import { isGoodFit } from '../../../operations/key-fit/prove.ts'
import type { RestoreJournal } from '../../../operations/restore/journal.ts'
import type { RestorePlan } from '../../../operations/restore/plan.ts'
import type { RestoreReport } from '../../../operations/restore/report.ts'
import type { ScratchSummary } from '../../../operations/scratch/remove.ts'
import { formatDifferences, formatFindings } from '../../print/findings.ts'
import { formatBytes, formatDuration, formatTime, noteLines } from '../../print/format.ts'
import { formatKeyFits } from '../../print/key-fits.ts'
import { pauseLines } from '../../print/pause-lines.ts'
import { windowLines } from '../../print/window-lines.ts'
import { placeLines } from './scratch.ts'

export function planText(plan: RestorePlan): string {
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
    ...pauseLines(plan),
    ...windowLines(plan),
    ...plan.missing.map((name) => `  MISSING in this point: ${name}`),
    ...(plan.leftOut ?? []).map((name) => `  LEFT OUT: ${name} cannot be left running; holdfast drill proves it`),
    ...adviceLines(plan),
    ...[{ findings: plan.safetyFindings ?? [] }, ...plan.components]
      .map(({ findings }) => formatFindings(findings.filter(({ level }) => level !== 'ok')))
      .filter((text) => text !== ''),
  ].join('\n')
}

function adviceLines({ advice }: RestorePlan): readonly string[] {
  const { versions = [], warnings = [], afterRestore = [] } = advice ?? {}
  return [
    ...versions.map((text) => `  versions: ${text}`),
    ...warnings.map((text) => `  known: ${text}`),
    ...afterRestore.map((text, index) => `  afterwards ${index + 1}: ${text}`),
  ]
}

export function abandonedText({ restoreId, app, mode, into }: RestoreJournal): string {
  if (into !== undefined) return `Restore ${restoreId} of ${app} into ${describeInto(into)} is given up.`
  return mode === 'in-place'
    ? `Restore ${restoreId} of ${app} is given up; the live data is open again.`
    : `Restore ${restoreId} of ${app} was taken back; what was live before it is live.`
}

/** And the keys open it. */
export function isAsCaptured({ differences, keyFit }: RestoreReport): boolean {
  return differences.length === 0 && keyFit.every(isGoodFit)
}

export function scratchReportText(report: RestoreReport, scratch: ScratchSummary): string {
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

export function urlLines(urls: readonly { readonly component: string; readonly url: string }[]): readonly string[] {
  if (urls.length === 0) return []
  return [
    '',
    ...urls.map(({ component, url }) => `${component}: ${url}`),
    'This is shown once: the password was made for it and is kept nowhere. The server listens on 127.0.0.1 only.',
    'A container reaches it with the network of the host (docker run --network host); in Docker Desktop also by',
    'host.docker.internal in place of 127.0.0.1. Stop the app from sending mail or changing others before you start it on old data.',
  ]
}

function safetyText({ into, safetyPoint }: RestorePlan): string {
  if (into !== undefined) return "none, as what is there is not the app's data"
  return safetyPoint ? 'yes' : 'NO'
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

export function reportText(report: RestoreReport): string {
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

function missingLines({ missing }: RestoreReport): readonly string[] {
  return missing.map((name) => `  NOT RESTORED, or not whole: the point lacks ${name}, or something of it`)
}
