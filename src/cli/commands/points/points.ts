import { failureKinds } from '../../../core/failure.ts'
import { listPoints, type PointsReport, type PointSummary } from '../../../operations/points/list-points.ts'
import { formatBytes, formatTable, formatTime, quoted } from '../../print/format.ts'
import { chooseApps, type Command } from '../../run-command.ts'
import { formatState } from '../../print/verdict.ts'

/** `holdfast points [app]` */
export async function points(command: Command, name: string | undefined): Promise<number> {
  const report = await listPoints(chooseApps(command.assembly.apps, name), command.assembly.context)
  command.result(report, () => textOf(report))
  return exitOf(report)
}

/** The worst that was found: lost data, then what cannot be trusted or read by this version, then what was not looked at. */
function exitOf({ damaged, alarms, unread }: PointsReport): number {
  const kinds = new Set(damaged.map(({ kind }) => kind))
  if (alarms.length > 0 || kinds.has('corrupt')) return failureKinds.corrupt.exit
  if (kinds.has('denied')) return failureKinds.denied.exit
  if (kinds.has('unsupported')) return failureKinds.unsupported.exit
  return unread.length > 0 || kinds.has('unread') ? failureKinds.incomplete.exit : 0
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
