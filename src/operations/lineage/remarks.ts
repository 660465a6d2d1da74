import type { Finding } from '../../core/restore-point.ts'
import { spellMoment } from '../../core/texts/spell-span.ts'
import type { Commit } from '../../repository/documents/documents.ts'
import { isImported } from '../import/remark.ts'
import { isSafetyPoint } from '../points/safety-remark.ts'

/**
 * Said in the commit of the first point after the server went back, so that every machine sees it until a later point says
 * that an operator accepted it. Both are public, signed, and know nothing that is secret.
 */
const WENT_BACK = 'restored or made anew by something else between '
const ACCEPTED = 'accepted by the operator: '

export function wentBackRemark(component: string, from: number, to: number, how: string): string {
  return `${WENT_BACK}${spellMoment(from)} and ${spellMoment(to)}: component ${component}, ${how}`
}

export function acceptedRemark(what: string): string {
  return `${ACCEPTED}${what}`
}

export function wentBackIn({ remarks }: Pick<Commit, 'remarks'>): string | undefined {
  return remarks.find((remark) => remark.startsWith(WENT_BACK))
}

function isAccepting({ remarks }: Pick<Commit, 'remarks'>): boolean {
  return remarks.some((remark) => remark.startsWith(`${ACCEPTED}${WENT_BACK}`))
}

export interface OpenAlarm {
  readonly message: string
  /** The newest backup from before it. */
  readonly lastBefore: string | null
}

type Said = Pick<Commit, 'point' | 'remarks'>

/** That the server of an app went back and nobody has accepted it. `commits` are those of the app, oldest first. */
export function openAlarm(commits: readonly Said[]): OpenAlarm | undefined {
  let open: OpenAlarm | undefined
  let before: string | null = null
  for (const commit of commits) {
    const message = wentBackIn(commit)
    // The first one counts: what came after it holds the same data.
    if (isAccepting(commit)) open = undefined
    else if (message !== undefined) open ??= { message, lastBefore: before }
    if (!isSafetyPoint(commit) && !isImported(commit)) before = commit.point
  }
  return open
}

export function alarmFinding(app: string, alarm: string): Finding {
  return {
    level: 'error',
    subject: `server of ${app}`,
    message: alarm,
    hint: `This point is good, and older ones may hold what it lacks: prune removes none of them. If it is right, run holdfast backup ${app} --accept went-back.`,
  }
}

/** Why prune removes nothing while the alarm is open, and which point holds what was there. */
export function freezeOf(commits: readonly Said[]): string | undefined {
  const open = openAlarm(commits)
  if (open === undefined) return undefined
  const last = open.lastBefore === null ? '' : `; the last point before it is ${open.lastBefore}`
  return `the app was ${open.message}${last}; holdfast backup with --accept went-back says that it is right`
}
