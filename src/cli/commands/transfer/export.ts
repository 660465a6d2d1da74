import type { AcceptId } from '../../../core/accept-ids.ts'
import { planExport, runExport, type ExportReport, type ExportRequest } from '../../../operations/export/export.ts'
import { formatBytes, formatDuration } from '../../print/format.ts'
import { chooseApp, type Command } from '../../run-command.ts'

export interface ExportOptions {
  readonly format: ExportRequest['format']
  readonly output: string
  readonly app?: string
  readonly component?: string
  readonly accept?: readonly AcceptId[]
}

/** `holdfast export <point>` */
export async function exportDump(command: Command, choice: string, options: ExportOptions): Promise<number> {
  const { apps, context } = command.assembly
  const order = await planExport(apps, { ...options, choice }, context)
  const report = await runExport(chooseApp(apps, order.app), order, context)
  command.result({ report }, () => textOf(report))
  return 0
}

function textOf({ path, bytes, point, component, software, durationMilliseconds }: ExportReport): string {
  return [
    `${path}: ${formatBytes(bytes)} in ${formatDuration(durationMilliseconds)}`,
    `  component ${component} of restore point ${point}, restored, compared, and written by ${software}`,
    '  it is not encrypted, and only you can read it',
  ].join('\n')
}
