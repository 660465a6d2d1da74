import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import type { KeptSecret } from './secret-lines.ts'

/** More than this belongs into a restore point: the format needs the whole SQL as one value of one JSON text. */
export const LONGEST_SQL = 256 * 2 ** 20

/** Said wherever a file of this format is written. */
export const weaknesses = [
  'The SQL has no mark by which a reader knows that it is whole but its last line.',
  'Dates, types and checksum in front are not authenticated: who can write to the storage can change them.',
  'Versions and metadata of secrets are not in it.',
] as const

export interface KleidiaContent {
  /** As in both headers, to the second. */
  readonly created: Date
  readonly includesAudit: boolean
  readonly sql: { readonly size: number; readonly content: Bytes } | undefined
  readonly secrets: AsyncIterable<KeptSecret> | undefined
}

export function tooLong(): Failure {
  return new Failure('refused', `the database is more than ${LONGEST_SQL} bytes of SQL`, {
    hint: 'Readers of this format hold all of it in memory at once. Restore from the restore point itself.',
  })
}

export function createdAt({ created }: Pick<KleidiaContent, 'created'>): string {
  return created.toISOString().replace(/\.\d{3}Z$/, 'Z')
}

export function backupType({ sql, secrets }: Pick<KleidiaContent, 'sql' | 'secrets'>): string {
  if (sql !== undefined && secrets !== undefined) return 'full'
  return sql === undefined ? 'vault-only' : 'database-only'
}
