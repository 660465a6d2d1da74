import {
  planImportDumps,
  runImportDumps,
  type DumpOutcome,
  type DumpsReport,
} from '../../../operations/import/import-dumps.ts'
import { failureKinds } from '../../../core/failure.ts'
import { acceptedOfDump } from '../../ask/import-acceptance.ts'
import { formatTable, formatTime, plural } from '../../print/format.ts'
import { chooseApp, type Command } from '../../run-command.ts'
import type { ImportOptions } from './import.ts'

/** `holdfast import dumps <folder> [app]` */
export async function importAllDumps(
  command: Command,
  given: { readonly where: string; readonly app: string | undefined },
  options: ImportOptions,
): Promise<number> {
  const { apps, context } = command.assembly
  const { component, database, withPasswords = false } = options
  const request = { component, database, ...acceptedOfDump(options), withPasswords }
  const app = chooseApp(apps, given.app)
  const report = await runImportDumps(app, planImportDumps(app, given.where, request), context)
  command.result({ report }, () => textOf(report))
  const isWhole = report.dumps.every(({ outcome }) => outcome !== 'failed' && outcome !== 'incomplete')
  return isWhole ? 0 : failureKinds.incomplete.exit
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
