import type { Commit } from '../../repository/documents/documents.ts'

/**
 * Said of a point that was made of the live data before a restore replaced it. It holds what somebody wanted to get
 * away from, so `latest` and times pass it over; its id still names it.
 */
export const SAFETY_REMARK = 'safety point before a restore'

export function isSafetyPoint({ remarks }: Pick<Commit, 'remarks'>): boolean {
  return remarks.includes(SAFETY_REMARK)
}
