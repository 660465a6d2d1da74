import type { RestoreJournal } from '../restore/journal.ts'
import { nextStepFor, wayBack } from '../restore/next-step.ts'
import type { PauseRecord } from './record.ts'

/** What else has to be known of the app. */
export interface PauseFacts {
  /** Another process that runs now is at the operation that the record names. */
  readonly isRunning: boolean
  /** The restore or undo of the app that is not finished. */
  readonly unfinished: RestoreJournal | undefined
  /** A person asks for it by `holdfast resume`; otherwise an operation does by itself. */
  readonly isAsked: boolean
  /** In milliseconds since 1970. */
  readonly now: number
}

export type MayResume =
  | { readonly may: true }
  | {
      readonly may: false
      readonly because: 'it runs' | 'unfinished' | 'unsure' | 'planned'
      readonly reason: string
      readonly hint: string
    }

export type MayNot = Extract<MayResume, { may: false }>

const no = (because: MayNot['because'], reason: string, hint: string): MayNot => ({ may: false, because, reason, hint })

/** Whether what is stopped may be started: no app is down on whole data, and none is up on data that may be mixed. */
export function mayResume(record: PauseRecord, { isRunning, unfinished, isAsked, now }: PauseFacts): MayResume {
  const { app, operation, id, planned } = record
  if (isRunning) return no('it runs', `${operation} ${id} of app ${app} runs now`, 'Wait until it has ended.')
  if (unfinished !== undefined && touchesLive(unfinished)) return heldBy(unfinished)
  if (mayBeMixed(record).length > 0) return no('unsure', mixedText(record), wayToWhole(record))
  if (planned === undefined || isAsked || isOver(planned, now)) return { may: true }
  const why = planned.reason === null ? '' : `: ${planned.reason}`
  const until = planned.until === undefined ? '' : ` until ${planned.until}`
  return no(
    'planned',
    `app ${app} is paused since ${planned.since}${until}${why}`,
    `Run holdfast resume ${app} to end the pause${until === '' ? '' : ' before'}.`,
  )
}

/** A pause that a person asked for, for a time. */
function isOver({ until }: NonNullable<PauseRecord['planned']>, now: number): boolean {
  return until !== undefined && Date.parse(until) <= now
}

/** The components whose live data may be a mixture of before and after. */
export function mayBeMixed({ live, components, mixed }: PauseRecord): readonly string[] {
  if (live === 'before') return mixed
  if (live === 'restored') return mixed.filter((name) => !components.includes(name))
  return [...new Set([...mixed, ...components])]
}

/** What is loaded beside the live data locks nobody out. */
export function touchesLive({ mode, stage }: RestoreJournal): boolean {
  return mode === 'in-place' ? stage !== 'planned' : !['planned', 'loading', 'staged'].includes(stage)
}

/** The answer of an app whose live data an unfinished restore has begun to replace. */
export function heldBy(unfinished: RestoreJournal): MayNot {
  const { app, restoreId, stage } = unfinished
  const reason = `restore ${restoreId} of app ${app} is unfinished: it stopped while ${stage}`
  return no('unfinished', reason, nextStepFor(unfinished))
}

function mixedText(record: PauseRecord): string {
  return `the live data of app ${record.app} may be a mixture of before and after: ${mayBeMixed(record).join(', ')}`
}

function wayToWhole({ app, operation, live, safetyPoint }: PauseRecord): string {
  if (operation === 'undo' && live === 'unsure') return `Finish the undo with holdfast undo ${app}.`
  return wayBack(app, safetyPoint)
}
