import type { Command as Commander } from 'commander'
import type { PointsReport, PointSummary } from '../../../operations/points/list-points.ts'
import { chooseApps } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, formatTable, formatTime, quoted } from '../../print/format.ts'
import { formatState } from '../../print/verdict.ts'
import type { Command } from '../../run-command.ts'

export function addPoints(program: Commander, cli: Cli): void {
  program
    .command('points [app]')
    .description('list restore points and how far each is proven')
    .action((name: string | undefined, _options: unknown, command: Commander) =>
      run(cli, command, (given) => points(given, name), true),
    )
}

async function points({ assembly, result }: Command, name: string | undefined): Promise<Ending> {
  const { listPoints } = await import('../../../operations/points/list-points.ts')
  const report = await listPoints(chooseApps(assembly.apps, name), assembly.context)
  result(report, () => textOf(report))
  return endingOf(report)
}

/** The worst that was found: lost data, then what cannot be trusted or read by this version, then what was not looked at. */
function endingOf({ damaged, alarms, unread }: PointsReport): Ending {
  const kinds = new Set(damaged.map(({ kind }) => kind))
  if (alarms.length > 0 || kinds.has('corrupt')) return 'corrupt'
  if (kinds.has('denied')) return 'denied'
  if (kinds.has('unsupported')) return 'unsupported'
  return unread.length > 0 || kinds.has('unread') ? 'incomplete' : 'done'
}

/** A signer that is not trusted and a newer format are no damage. */
const LABELS: Readonly<Record<string, string>> = {
  denied: 'NOT TRUSTED',
  unsupported: 'UNSUPPORTED',
  unread: 'NOT READ',
}

function textOf(report: PointsReport): string {
  const table = formatTable(
    ['restore point', 'app', 'created', 'state', 'stored', 'in', ''],
    report.points.map((point) => rowOf(point, report)),
    [4],
  )
  return [
    report.points.length > 0 ? table : emptyText(report),
    ...report.damaged.map(
      ({ repository, point, kind, message }) => `${LABELS[kind] ?? 'DAMAGED'} ${point} in ${repository}: ${message}`,
    ),
    ...report.removed.map(
      ({ repository, point, until }) =>
        `removed ${point} in ${repository}, can be undeleted until ${formatTime(until)}`,
    ),
    ...report.alarms.map((alarm) => `ALARM ${alarm}`),
    ...report.unread.map(({ repository, message }) => `NOT READ ${repository}: ${message}`),
  ].join('\n')
}

/** What could not be read may be a point, and what is damaged was one. */
function emptyText({ unread, damaged }: PointsReport): string {
  if (unread.length > 0 || damaged.some(({ kind }) => kind === 'unread')) return 'No restore point was read.'
  return damaged.length > 0 ? 'No restore point that can be used.' : 'No restore points.'
}

function rowOf(point: PointSummary, { damaged }: PointsReport): string[] {
  const isDamaged = damaged.some((one) => one.point === point.point && one.kind === 'corrupt')
  const remarks = [
    ...(point.held ? ['held'] : []),
    ...(point.failedProof === null ? [] : [point.failedProof.toUpperCase()]),
    ...(point.note === undefined ? [] : [quoted(point.note)]),
    ...point.remarks,
  ]
  return [
    point.point,
    point.app,
    formatTime(point.created),
    formatState(point, isDamaged),
    formatBytes(point.storedBytes),
    point.repositories.join(', '),
    remarks.join(', '),
  ]
}
