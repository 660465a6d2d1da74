import type { Command as Commander } from 'commander'
import type { AcceptId } from '../../../core/accept-ids.ts'
import type { FailureSummary } from '../../../operations/backup/report.ts'
import type { DrillReport } from '../../../operations/drill/report.ts'
import type { ChosenPoint } from '../../../operations/points/open-chosen-point.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { JITTER, waitJitter } from '../../ask/wait-jitter.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatDifferences } from '../../print/findings.ts'
import { formatBytes, formatDuration, noteLines } from '../../print/format.ts'
import { formatKeyFits } from '../../print/key-fits.ts'
import { endingOfVerdict, formatMissing, formatRecording } from '../../print/verdict.ts'
import type { Command } from '../../run-command.ts'

interface DrillOptions extends ChosenPoint {
  readonly staged?: boolean
  readonly jitter?: string
  readonly accept?: readonly AcceptId[]
}

export function addDrill(program: Commander, cli: Cli): void {
  program
    .command('drill [app]')
    .description('restore into a throw-away target, compare, run the checks, destroy it, and sign the proof')
    .option('--at <point>', 'latest (default), an id, or a time')
    .option('--repository <name>', 'read from this repository only')
    .addOption(acceptOption('drill'))
    .option(...JITTER)
    .option('--staged', 'use a side database on the configured server in place of a private one')
    .action((name: string | undefined, options: DrillOptions, command: Commander) =>
      run(cli, command, (given) => drill(given, name, options)),
    )
}

async function drill(
  { assembly, result, announce }: Command,
  name: string | undefined,
  options: DrillOptions,
): Promise<Ending> {
  const { planDrill } = await import('../../../operations/drill/plan.ts')
  const { drillOrder } = await import('../../../operations/drill/order.ts')
  const { runDrill } = await import('../../../operations/drill/run.ts')
  const { apps, context } = assembly
  await waitJitter(options.jitter, context)
  const app = chooseApp(apps, name)
  announce({ command: 'drill', apps: [app.name] })
  const where = options.staged === true ? 'staged' : 'scratch'
  const plan = await planDrill(app, { ...options, where }, context)
  const report = await runDrill(app, drillOrder.parse(plan), context)
  result({ report }, () => textOf(report))
  return endingOf(report)
}

const COMPARED: Readonly<Record<DrillReport['compared'], string>> = {
  content: 'equal to what was captured',
  counts:
    'numbers of rows equal to what was captured, its content kept for later comparisons (the backup left it to drills)',
  'counts and an earlier drill':
    'numbers of rows equal to what was captured, content equal to what an earlier drill restored',
}

/** The verdict first; what could not be removed after a good one is a failure of its own. */
function endingOf(report: DrillReport): Ending {
  const ending = endingOfVerdict({
    ...report,
    failed: report.outcome === 'failed',
    isInPart: report.outcome === 'restored in part',
  })
  return ending === 'done' && report.cleanupFailure !== undefined ? report.cleanupFailure.kind : ending
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
