import type { Commit } from '../../repository/documents.ts'

/**
 * Said of a point that was made of a dump and not of the live data. It may hold what is years old, so `latest` and times pass it
 * over; its id names it.
 */
export const IMPORT_REMARK = 'imported dump'

export function isImported({ remarks }: Pick<Commit, 'remarks'>): boolean {
  return remarks.includes(IMPORT_REMARK)
}
