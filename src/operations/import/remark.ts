import type { Commit } from '../../repository/documents/documents.ts'

/**
 * Said of a point that was made of a dump and not of the live data. It may hold what is years old, so `latest` and times pass it
 * over; its id names it.
 */
export const IMPORT_REMARK = 'imported dump'
/** The same of a point that was made of a backup of Kleidia. */
export const KLEIDIA_REMARK = 'imported KLEIDIA_BACKUP_V1'

/** Names the file, so that a later import finds out that it was taken. The file is encrypted: its hash says nothing of what is in it. */
export function fileRemark(sha256: string): string {
  return `of the file with SHA-256 ${sha256}`
}

export function isImported({ remarks }: Pick<Commit, 'remarks'>): boolean {
  return remarks.includes(IMPORT_REMARK) || remarks.includes(KLEIDIA_REMARK)
}

/** When a dump was made, for lists in which all points of a run are of one day. */
export function dumpedRemark({
  dumped,
  dumpedBy,
}: {
  readonly dumped: string
  readonly dumpedBy: 'dump' | 'file'
}): string {
  const time = dumped.slice(0, 16).replace('T', ' ')
  return dumpedBy === 'dump' ? `dumped ${time}` : `file of ${time} UTC`
}
