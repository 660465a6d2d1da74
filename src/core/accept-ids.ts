/**
 * What an operator may agree to by `--accept <id>`: to restore without what cannot be made again, or over live data in steps
 * in place of one transaction.
 */
export const acceptIds = [
  'in-steps',
  'without-constraints',
  'without-extensions',
  'without-indexes',
  'without-objects',
  'without-rows',
  'without-triggers',
] as const
export type AcceptId = (typeof acceptIds)[number]
