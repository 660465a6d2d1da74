import type { Finding } from '../../../core/restore-point.ts'
import type { PostgresDetails } from '../schema.ts'
import type { LeftOut, LeftOutTable } from './left-out.ts'

/** What a point and `check` say of tables without rows. */

function bytesOf({ parts }: LeftOutTable): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** As the details of a point name them. */
export function asDetails(tables: readonly LeftOutTable[]): Pick<PostgresDetails, 'withoutRows'> {
  if (tables.length === 0) return {}
  return { withoutRows: tables.map((one) => ({ name: one.name, bytes: String(bytesOf(one)) })) }
}

/** For people: what a point lacks because the settings say so. */
export function onPurpose(tables: readonly LeftOutTable[]): readonly string[] {
  return tables.map((one) => `rows of ${one.name} (${megabytes(bytesOf(one))}); a swap carries the live ones over`)
}

/** For people: what a restore of the point does not prove. */
export function unprovenRows({ withoutRows = [] }: Pick<PostgresDetails, 'withoutRows'>): readonly string[] {
  return withoutRows.map(({ name }) => `not proven: rows of ${name}, which the point leaves out on purpose`)
}

export function leftOutFindings({ tables, unfit }: LeftOut): Finding[] {
  const subject = (name: string): string => `table without rows ${name}`
  return [
    ...unfit.map(({ table, message, hint }): Finding => ({ level: 'error', subject: subject(table), message, hint })),
    ...tables.map((one): Finding => ({ level: 'ok', subject: subject(one.name), message: amountOf(one) })),
  ]
}

function amountOf(one: LeftOutTable): string {
  return `${rowsOf(one)}, ${megabytes(bytesOf(one))}, are left out of backups on purpose`
}

/** The server's own estimate; partitions without one are not in the sum. */
function rowsOf({ parts }: LeftOutTable): string {
  const counted = parts.filter(({ kind, rows }) => kind === 'r' && rows >= 0)
  if (counted.length === 0) return 'rows that the server has not counted yet'
  return `about ${counted.reduce((sum, { rows }) => sum + rows, 0)} rows`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
