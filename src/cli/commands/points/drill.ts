import type { AcceptId } from '../../../core/accept-ids.ts'
import { failureKinds } from '../../../core/failure.ts'
import type { FailureSummary } from '../../../operations/backup/report.ts'
import { drillOrder } from '../../../operations/drill/order.ts'
import { planDrill } from '../../../operations/drill/plan.ts'
import type { DrillReport } from '../../../operations/drill/report.ts'
import { runDrill } from '../../../operations/drill/run.ts'
import type { ChosenPoint } from '../../../operations/points/open-chosen-point.ts'
import { formatDifferences } from '../../print/findings.ts'
import { formatBytes, formatDuration, noteLines } from '../../print/format.ts'
import { formatKeyFits } from '../../print/key-fits.ts'
import { chooseApp, type Command } from '../../run-command.ts'
import { exitOfVerdict, formatMissing, formatRecording } from '../../print/verdict.ts'

export interface DrillOptions extends ChosenPoint {
  readonly staged?: boolean
  readonly accept?: readonly AcceptId[]
}

/** `holdfast drill <app>` */
export async function drill(command: Command, name: string | undefined, options: DrillOptions): Promise<number> {
  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  const where = options.staged === true ? 'staged' : 'scratch'
  const plan = await planDrill(app, { ...options, where }, context)
  const report = await runDrill(app, drillOrder.parse(plan), context)
  command.result({ report }, () => textOf(report))
  return exitOf(report)
}

const COMPARED: Readonly<Record<DrillReport['compared'], string>> = {
  content: 'equal to what was captured',
  counts:
    'numbers of rows equal to what was captured, its content kept for later comparisons (the backup left it to drills)',
  'counts and an earlier drill':
    'numbers of rows equal to what was captured, content equal to what an earlier drill restored',
}

/** The verdict first; what could not be removed after a good one is a failure of its own. */
function exitOf(report: DrillReport): number {
  const code = exitOfVerdict({
    ...report,
    failed: report.outcome === 'failed',
    isInPart: report.outcome === 'restored in part',
  })
  return code === 0 && report.cleanupFailure !== undefined ? failureKinds[report.cleanupFailure.kind].exit : code
}

/** The next step stands below what failed: here it names what an operator may agree to. */
function linesOf(failure: FailureSummary | undefined): string[] {
  if (failure === undefined) return []
  return [`  ${failure.message}`, ...(failure.hint === undefined ? [] : [`      ${failure.hint}`])]
}

const HEADS: Readonly<Record<DrillReport['outcome'], (report: DrillReport) => string>> = {
  restored: ({ compared }) => `restored, ${COMPARED[compared]}, checks passed`,
  'restored in part': ({ compared }) => `RESTORED IN PART: what the point holds is ${COMPARED[compared]}`,
  failed: () => 'FAILED',
}

function textOf(report: DrillReport): string {
  return [
    `Drill of ${report.point} of ${report.app}: ${HEADS[report.outcome](report)}`,
    ...noteLines(report),
    ...workText(report),
    ...report.components.map(({ name, target }) => `  ${name}: ${target}`),
    ...formatMissing(report.missing),
    ...report.remarks.map((remark) => `  ${remark}`),
    ...formatKeyFits(report.keyFit),
    ...linesOf(report.failure),
    ...(report.differences.length === 0 ? [] : [formatDifferences(report.differences)]),
    ...formatRecording(report),
    ...linesOf(report.cleanupFailure),
  ].join('\n')
}

/** Numbers of what was done, and none of what was not. */
function workText({
  components,
  recoveryTimeMilliseconds,
  durationMilliseconds,
  cleanupFailure,
}: DrillReport): string[] {
  const bytes = components.reduce((sum, component) => sum + component.bytes, 0)
  const gone = cleanupFailure === undefined ? 'the target is gone again' : 'the target is NOT gone'
  if (recoveryTimeMilliseconds !== null)
    return [
      `${formatBytes(bytes)} restored in ${formatDuration(recoveryTimeMilliseconds)} (measured recovery time); ${gone}`,
    ]
  if (components.length === 0) return []
  const loaded = bytes === 0 ? 'nothing was restored' : `${formatBytes(bytes)} were loaded before it failed`
  return [`${loaded}, after ${formatDuration(durationMilliseconds)}; ${gone}`]
}
