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
/** What only a restore over live data can be told: that live rows are not carried into the restored database. */
const liveIds = ['without-live-rows'] as const
/** All that a restore goes on without. */
export const restoreIds = [...acceptIds, ...liveIds] as const
export type AcceptId = (typeof restoreIds)[number]

/** Followed by the name of a key fit. */
export const KEY_MISFIT = 'key-misfit-'
/** Followed by the start of a plan's hash, for exactly that plan. */
export const PRUNE_PLAN = 'prune-'
/** Followed by the id of a restore point. */
export const FUTURE_POINT = 'future-'
export const DAMAGED_POINT = 'damaged-'
/** Followed by the id of a restore into another place. */
export const GONE_COPY = 'gone-copy-'
/** Followed by what names one alarm of a repository. */
export const ALARM = 'alarm-'

/** That the server of the app was restored or made anew, and that this is right. */
export const WENT_BACK = 'went-back'

/** That the app is stopped outside its maintenance windows. */
export const OUTSIDE_WINDOW = 'outside-window'

/** What `--accept` takes, by command: the one way past a refusal. An id that ends with `-` is followed by a name. */
export const acceptedBy = {
  backup: [WENT_BACK, OUTSIDE_WINDOW],
  drill: acceptIds,
  export: acceptIds,
  import: ['trust-dump', 'without-rows'],
  prune: [
    ALARM,
    'clock-skew',
    DAMAGED_POINT,
    'failed-backup',
    'failed-drill',
    FUTURE_POINT,
    GONE_COPY,
    'overdue-backup',
    PRUNE_PLAN,
  ],
  pause: [OUTSIDE_WINDOW],
  remove: [DAMAGED_POINT, 'last-drilled', 'last-good', 'last-point', 'under-minimum'],
  restore: [...restoreIds, KEY_MISFIT, OUTSIDE_WINDOW],
  resume: ['gone-workload', 'unsure-data'],
  undo: [OUTSIDE_WINDOW],
} as const satisfies Readonly<Record<string, readonly string[]>>
export type AcceptingCommand = keyof typeof acceptedBy

/** The options that accept these ids, as a message prints them. */
export function acceptOptions(ids: readonly string[]): string {
  return ids.map((id) => `--accept ${id}`).join(' ')
}

/** The names behind an id such as `key-misfit-`, of all that was accepted. */
export function acceptedNames(accepted: readonly string[], family: string): readonly string[] {
  return accepted.filter((id) => id.startsWith(family)).map((id) => id.slice(family.length))
}

/** Those that say what a restore goes on without. */
export function restoreIdsOf(accepted: readonly string[]): readonly AcceptId[] {
  return restoreIds.filter((id) => accepted.includes(id))
}
