import type { Command as Commander } from 'commander'
import type { DumpOutcome, DumpsReport } from '../../../operations/import/import-dumps.ts'
import { acceptedOfDump } from '../../ask/import-acceptance.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatTable, formatTime, plural } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'
import { passwordsOption, withDumpOptions, type DumpOptions } from './dump-options.ts'

/** Years of dumps, in whatever formats. */
export function addImportDumps(imports: Commander, cli: Cli): void {
  const many = imports
    .command('dumps <folder> [app]')
    .description('make a restore point of each dump in a folder, the oldest first')
    .addHelpText(
      'after',
      '\n<folder> is a folder with all below it, or how the paths of several dumps begin. What was imported before is passed over.',
    )
  withDumpOptions(many)
    .addOption(passwordsOption())
    .action((where: string, name: string | undefined, options: DumpOptions, command: Commander) =>
      run(cli, command, (given) => importDumps(given, { where, name }, options)),
    )
}

interface Wanted {
  readonly where: string
  readonly name: string | undefined
}

async function importDumps(
  { assembly, result }: Command,
  { where, name }: Wanted,
  options: DumpOptions,
): Promise<Ending> {
  const { planImportDumps, runImportDumps } = await import('../../../operations/import/import-dumps.ts')
  const { apps, context } = assembly
  const { component, database, withPasswords = false } = options
  const request = { component, database, ...acceptedOfDump(options), withPasswords }
  const app = chooseApp(apps, name)
  const report = await runImportDumps(app, planImportDumps(app, where, request), context)
  result({ report }, () => textOf(report))
  const isWhole = report.dumps.every(({ outcome }) => outcome !== 'failed' && outcome !== 'incomplete')
  return isWhole ? 'done' : 'incomplete'
}

function textOf({ app, dumps, notDumps }: DumpsReport): string {
  const rows = dumps.map((dump) => [
    dump.point ?? '-',
    dump.dumpedBy === 'dump' ? formatTime(dump.dumped).replace(' UTC', '') : `${formatTime(dump.dumped)}, of the file`,
    dump.outcome === 'failed' ? 'FAILED' : dump.outcome === 'incomplete' ? 'INCOMPLETE' : dump.outcome,
    dump.name,
  ])
  return [
    formatTable(['restore point', 'dumped', 'outcome', 'dump'], rows),
    ...dumps.flatMap(linesOf),
    ...notDumps.map((name) => `not a dump: ${name}`),
    '',
    endOf(app, dumps),
  ].join('\n')
}

function linesOf({ name, failure, made }: DumpOutcome): readonly string[] {
  const stored = (made?.repositories ?? []).flatMap(({ name: to, failure: why }) =>
    why === undefined ? [] : [`${name}: not in ${to}: ${why.message}`],
  )
  if (failure === undefined) return stored
  return [`${name}: ${failure.message}`, ...(failure.hint === undefined ? [] : [`  ${failure.hint}`])]
}

function endOf(app: string, dumps: readonly DumpOutcome[]): string {
  const points = dumps.filter(({ made }) => made !== undefined)
  if (points.length === 0) return 'No point was made.'
  return [
    `${plural(points.length, 'restore point')} of ${app}, each named by its id only, never by latest, and held until holdfast release.`,
    `Prove one: holdfast drill ${app} --at ${points.at(-1)?.point ?? ''}`,
  ].join('\n')
}
