import type { Command as Commander } from 'commander'
import { Secret } from '../../../core/secret.ts'
import type { KleidiaExportReport } from '../../../interop/kleidia-v1/export-kleidia.ts'
import { askNewPassword, KLEIDIA_PASSWORD } from '../../ask/passwords.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, formatDuration, plural } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

/** All but `mount` are options of `holdfast export`. */
interface ExportKleidiaOptions {
  readonly output: string
  readonly app?: string
  readonly component?: string
  readonly mount?: string
}

export function addExportKleidia(exports: Commander, cli: Cli): void {
  exports
    .command('kleidia-v1 <point>')
    .description('write database and secrets of a restore point as a weak KLEIDIA_BACKUP_V1 file')
    .option('--mount <path>', 'the KV mount to take, when the point has secrets in several')
    .addHelpText('after', '\nTakes --output, --app and --component like holdfast export. The password is asked twice.')
    .action((choice: string, _options: unknown, command: Commander) =>
      run(cli, command, (given) => exportKleidia(given, choice, command.optsWithGlobals<ExportKleidiaOptions>())),
    )
}

async function exportKleidia(
  command: Command,
  choice: string,
  { output, app: named, component, mount }: ExportKleidiaOptions,
): Promise<Ending> {
  const { planKleidiaExport, runKleidiaExport } = await import('../../../interop/kleidia-v1/export-kleidia.ts')

  const { apps, context } = command.assembly
  const components = component === undefined ? undefined : [component]
  const order = await planKleidiaExport(apps, { choice, app: named, output, mount, components }, context)
  const password = new Secret(
    await askNewPassword(command.ports, KLEIDIA_PASSWORD, {
      what: 'A password that encrypts the file',
      whoGuesses: 'Everyone who gets the file can guess at it',
    }),
  )
  const report = await runKleidiaExport(chooseApp(apps, order.app), order, password, context)
  command.result({ report }, () => textOf(report))
  return 'done'
}

function textOf(report: KleidiaExportReport): string {
  return [
    `${report.path}: ${formatBytes(report.bytes)}, ${report.backupType}, in ${formatDuration(report.durationMilliseconds)}`,
    `  ${report.components.join(' and ')} of restore point ${report.point}, with ${plural(report.secrets, 'secret')}; read back with the password`,
    ...report.leftOut.map((what) => `  left out: ${what}`),
    ...report.weaknesses.map((what) => `  weak: ${what}`),
  ].join('\n')
}
