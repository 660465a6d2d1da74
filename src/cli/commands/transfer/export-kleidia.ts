import { Secret } from '../../../core/secret.ts'
import {
  planKleidiaExport,
  runKleidiaExport,
  type KleidiaExportReport,
} from '../../../interop/kleidia-v1/export-kleidia.ts'
import { formatBytes, formatDuration, plural } from '../../print/format.ts'
import { askNewPassword } from '../../ask/passwords.ts'
import { chooseApp, type Command } from '../../run-command.ts'
import { KLEIDIA_PASSWORD } from './import-kleidia.ts'

export interface ExportKleidiaOptions {
  readonly output: string
  readonly app?: string
  readonly component?: string
  readonly mount?: string
}

/** `holdfast export kleidia-v1 <point>` */
export async function exportKleidiaV1(
  command: Command,
  choice: string,
  { output, app: named, component, mount }: ExportKleidiaOptions,
): Promise<number> {
  const { apps, context } = command.assembly
  const components = component === undefined ? undefined : [component]
  const order = await planKleidiaExport(apps, { choice, app: named, output, mount, components }, context)
  const password = new Secret(
    await askNewPassword(command.world, KLEIDIA_PASSWORD, {
      what: 'A password that encrypts the file',
      whoGuesses: 'Everyone who gets the file can guess at it',
    }),
  )
  const report = await runKleidiaExport(chooseApp(apps, order.app), order, password, context)
  command.result({ report }, () => textOf(report))
  return 0
}

function textOf(report: KleidiaExportReport): string {
  return [
    `${report.path}: ${formatBytes(report.bytes)}, ${report.backupType}, in ${formatDuration(report.durationMilliseconds)}`,
    `  ${report.components.join(' and ')} of restore point ${report.point}, with ${plural(report.secrets, 'secret')}; read back with the password`,
    ...report.leftOut.map((what) => `  left out: ${what}`),
    ...report.weaknesses.map((what) => `  weak: ${what}`),
  ].join('\n')
}
