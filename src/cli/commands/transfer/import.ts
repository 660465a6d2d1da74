import { planImport, runImport, type ImportReport, type ImportRequest } from '../../../operations/import/import.ts'
import { acceptedOfDump, type AcceptOptions } from '../../ask/import-acceptance.ts'
import { formatBytes, formatDuration } from '../../print/format.ts'
import { chooseApp, type Command } from '../../run-command.ts'

export interface ImportOptions extends AcceptOptions {
  readonly component?: string
  readonly database?: string
  readonly withPasswords?: boolean
}

/** `holdfast import <format> <dump> [app]` */
export async function importDump(
  command: Command,
  format: ImportRequest['format'],
  given: { readonly path: string; readonly app: string | undefined },
  options: ImportOptions,
): Promise<number> {
  const { apps, context } = command.assembly
  const app = chooseApp(apps, given.app)
  const { component, database, withPasswords = false } = options
  const request = { format, path: given.path, component, database, ...acceptedOfDump(options), withPasswords }
  const report = await runImport(app, planImport(app, request, context), context)
  command.result({ report }, () => textOf(report))
  return report.outcome === 'done' ? 0 : 3
}

function textOf(report: ImportReport): string {
  const { origin, repositories } = report
  return [
    `Restore point ${report.point} of ${report.app}, imported: ${report.outcome === 'done' ? report.truth : 'INCOMPLETE'}, ${formatDuration(report.durationMilliseconds)}`,
    `  from ${origin.source} (${formatBytes(origin.bytes)}, SHA-256 ${origin.sha256})`,
    ...repositories.map(
      ({ name, outcome, location, failure }) => `  ${name}: ${failure?.message ?? outcome}, ${location}`,
    ),
    ...report.notCaptured.map((what) => `  not captured: ${what}`),
    `It is named by its id only, never by latest, and held: prune keeps it until holdfast release ${report.point}`,
    `Prove it: holdfast drill ${report.app} --at ${report.point}`,
  ].join('\n')
}
