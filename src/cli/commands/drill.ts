import type { AcceptId } from '../../core/accept-ids.ts'
import { executeDrill, type DrillReport } from '../../operations/drill/drill.ts'
import { openChosenPoint, type ChosenPoint } from '../chosen-point.ts'
import { formatDifferences } from '../findings.ts'
import { formatBytes, formatDuration } from '../format.ts'
import { formatKeyFits } from '../key-fits.ts'
import { chooseApp, type Command } from '../run-command.ts'

export interface DrillOptions extends ChosenPoint {
  readonly beside?: boolean
  readonly accept?: readonly AcceptId[]
}

/** `holdfast drill <app>` */
export async function drill(command: Command, name: string | undefined, options: DrillOptions): Promise<number> {
  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  const { found, reader } = await openChosenPoint(app, options, context)
  const report = await executeDrill(
    app,
    found.repository,
    reader,
    { where: options.beside === true ? 'beside' : 'scratch', accept: options.accept },
    context,
  )
  command.result({ report }, () => textOf(report))
  return report.ok ? 0 : 30
}

const COMPARED: Readonly<Record<DrillReport['compared'], string>> = {
  content: 'equal to what was captured',
  counts:
    'numbers of rows equal to what was captured, its content kept for later comparisons (the backup left it to drills)',
  'counts and an earlier drill':
    'numbers of rows equal to what was captured, content equal to what an earlier drill restored',
}

/** The next step stands below what failed: here it names what an operator may agree to. */
function linesOf(failure: DrillReport['failure']): string[] {
  if (failure === undefined) return []
  return [`  ${failure.message}`, ...(failure.hint === undefined ? [] : [`      ${failure.hint}`])]
}

function textOf(report: DrillReport): string {
  const bytes = report.components.reduce((sum, component) => sum + component.bytes, 0)
  const head = `Drill of ${report.point} of ${report.app}: ${report.ok ? `restored, ${COMPARED[report.compared]}, checks passed` : 'FAILED'}`
  return [
    head,
    `${formatBytes(bytes)} restored in ${formatDuration(report.recoveryTimeMilliseconds)} (measured recovery time); the target is gone again`,
    ...report.components.map(({ name, target }) => `  ${name}: ${target}`),
    ...report.remarks.map((remark) => `  ${remark}`),
    ...formatKeyFits(report.keyFit),
    ...linesOf(report.failure),
    ...(report.differences.length === 0 ? [] : [formatDifferences(report.differences)]),
  ].join('\n')
}
