import { Option, type Command as Commander } from 'commander'
import type { AcceptId } from '../../../core/accept-ids.ts'
import type { ExportReport, ExportRequest } from '../../../operations/export/export.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, formatDuration } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'
import { addExportKleidia } from './export-kleidia.ts'

type Format = ExportRequest['format']

interface ExportOptions {
  readonly format: Format
  readonly output: string
  readonly app?: string
  readonly component?: string
  readonly accept?: readonly AcceptId[]
}

const FORMATS: readonly Format[] = ['custom', 'sql', 'directory']

export function addExport(program: Commander, cli: Cli): void {
  const exports = program
    .command('export <point>')
    .description('write the database of a restore point as an ordinary dump, restored and compared before')
    .addOption(new Option('--format <format>', 'what to write').choices(FORMATS).default('custom'))
    .requiredOption('-o, --output <path>', 'the file or folder to make; nothing is replaced')
    .option('--app <app>', 'the app, when there are several')
    .option('--component <name>', 'the component, when the app has several databases')
    .addOption(acceptOption('export'))
    .action((choice: string, options: ExportOptions, command: Commander) =>
      run(cli, command, (given) => exportDump(given, choice, options)),
    )
  addExportKleidia(exports, cli)
}

async function exportDump({ assembly, result }: Command, choice: string, options: ExportOptions): Promise<Ending> {
  const { planExport, runExport } = await import('../../../operations/export/export.ts')
  const { apps, context } = assembly
  const order = await planExport(apps, { ...options, choice }, context)
  const report = await runExport(chooseApp(apps, order.app), order, context)
  result({ report }, () => textOf(report))
  return 'done'
}

function textOf({ path, bytes, point, component, software, durationMilliseconds }: ExportReport): string {
  return [
    `${path}: ${formatBytes(bytes)} in ${formatDuration(durationMilliseconds)}`,
    `  component ${component} of restore point ${point}, restored, compared, and written by ${software}`,
    '  it is not encrypted, and only you can read it',
  ].join('\n')
}
