/** What an operator may agree to restore without, where it cannot be made again: given by `--accept <id>`. */
export const acceptIds = [
  'without-constraints',
  'without-extensions',
  'without-indexes',
  'without-objects',
  'without-rows',
  'without-triggers',
] as const
export type AcceptId = (typeof acceptIds)[number]
