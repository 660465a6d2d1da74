import type { Command as Commander } from 'commander'
import type { ImportReport, ImportRequest } from '../../../operations/import/import.ts'
import { acceptedOfDump } from '../../ask/import-acceptance.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, formatDuration } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'
import { passwordsOption, withDumpOptions, type DumpOptions } from './dump-options.ts'
import { addImportDumps } from './import-dumps.ts'
import { addImportKleidia } from './import-kleidia.ts'

type Format = ImportRequest['format']

const FORMATS: readonly (readonly [Format, string])[] = [
  ['sql', 'import the plain SQL of pg_dump or pg_dumpall, also compressed with gzip, zstd or LZ4'],
  ['custom', 'import a dump of pg_dump --format=custom'],
  ['directory', 'import a folder of pg_dump --format=directory'],
]

/** `import`: of one dump by its format, of many, and of backups of Kleidia. */
export function addImport(program: Commander, cli: Cli): void {
  const imports = program.command('import').description('take over dumps and backups that other programs made')
  addImportKleidia(imports, cli)
  addImportDumps(imports, cli)
  for (const [format, description] of FORMATS) {
    const one = withDumpOptions(imports.command(`${format} <dump> [app]`).description(description))
    if (format === 'sql') one.addOption(passwordsOption())
    one.action((path: string, name: string | undefined, options: DumpOptions, command: Commander) =>
      run(cli, command, (given) => importDump(given, { format, path, name }, options)),
    )
  }
}

interface Wanted extends Pick<ImportRequest, 'format' | 'path'> {
  readonly name: string | undefined
}

async function importDump(
  { assembly, result }: Command,
  { format, path, name }: Wanted,
  options: DumpOptions,
): Promise<Ending> {
  const { planImport, runImport } = await import('../../../operations/import/import.ts')
  const { apps, context } = assembly
  const app = chooseApp(apps, name)
  const { component, database, withPasswords = false } = options
  const request = { format, path, component, database, ...acceptedOfDump(options), withPasswords }
  const report = await runImport(app, planImport(app, request, context), context)
  result({ report }, () => textOf(report))
  return report.outcome === 'done' ? 'done' : 'incomplete'
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
