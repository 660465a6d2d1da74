import type { PointId } from '../restore-point.ts'
import { nextStepOf } from './safety-next-step.ts'
import { reasonsOf } from './safety-reasons.ts'

/**
 * Whether an app is safe, as one pure rule: facts in; state, reasons and the next step out.
 *
 * - `proven`: the newest point is complete and younger than the objective, and a drill passed within the drill interval.
 * - `unproven`: nothing is known to be wrong, and nobody has restored a point lately.
 * - `at risk`: something failed, is overdue, damaged, frozen or could not be read.
 * - `unprotected`: there is no good point.
 * - `unknown`: what is needed to say so is not known. It is never replaced by the last state that was.
 */
export const safetyStates = ['proven', 'unproven', 'at risk', 'unprotected', 'unknown'] as const
export type SafetyState = (typeof safetyStates)[number]

export interface Objectives {
  /** How often a backup is expected. */
  readonly intervalMilliseconds: number
  /** How old the newest good point may be. */
  readonly rpoMilliseconds: number
  /** How long ago the last drill that passed may be. */
  readonly drillIntervalMilliseconds: number
}

/** Times are epoch milliseconds. */
export interface SafetyFacts {
  readonly app: string
  readonly now: number
  /** When the repositories were read; undefined when they were not. */
  readonly readAt: number | undefined
  readonly objectives: Objectives
  readonly repositories: readonly RepositoryFacts[]
  /** How the last backup on this machine ended. `none` ran here: points say what happened elsewhere. */
  readonly lastRun: LastRun | 'none' | 'cannot be read'
  /** What is to be said and makes no state by itself. */
  readonly warnings: readonly SafetyReason[]
}

export interface LastRun {
  readonly outcome: 'done' | 'incomplete' | 'failed'
  readonly finished: number
  readonly message: string | null
}

export type RepositoryFacts =
  | { readonly name: string; readonly unread: string }
  | {
      readonly name: string
      readonly unread?: undefined
      /** Backups of the app in the order in which they were made; no safety points and no imports. */
      readonly points: readonly SafetyPoint[]
      /** What cannot be used of the repository: it may belong to any app. */
      readonly damaged: readonly { readonly point: string; readonly damage: boolean; readonly message: string }[]
      readonly alarms: readonly string[]
      /** What of the repository could not be looked at. */
      readonly notRead: readonly string[]
      /** Why prune removes nothing. */
      readonly freezes: readonly string[]
      /** The storage's clock minus ours. */
      readonly skewMilliseconds: number
      /** That the server of a component went back, and nobody has accepted it. */
      readonly wentBack: { readonly message: string; readonly lastBefore: PointId | null } | undefined
      /** Why nobody could open the points there. */
      readonly closed: string | undefined
    }

export interface SafetyPoint {
  readonly point: PointId
  readonly created: number
  readonly complete: boolean
  /** Its last verify or its last drill failed. */
  readonly disproved: boolean
  /** Its last drill. */
  readonly drill: { readonly ok: boolean; readonly at: number } | undefined
}

/** `damage` and `risk` make an app at risk, `unknown` and `gap` keep it from being proven, a `warning` is only said. */
type ReasonLevel = 'damage' | 'risk' | 'unknown' | 'gap' | 'fact' | 'warning'

export interface SafetyReason {
  readonly code: ReasonCode
  readonly level: ReasonLevel
  readonly message: string
  readonly repository?: string
  readonly point?: PointId
  /** Runs that were expected and did not happen. */
  readonly count?: number
}

export const reasonCodes = [
  'alarm',
  'clock',
  'closed',
  'damaged',
  'drill-failed',
  'drill-missing',
  'drill-old',
  'drilled',
  'fact-missing',
  'frozen',
  'incomplete',
  'lost-together',
  'missed-runs',
  'newest-point',
  'no-copy',
  'no-point',
  'not-compared',
  'overdue',
  'paused',
  'point-failed',
  'run-failed',
  'second-installation',
  'state-old',
  'unread',
  'went-back',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

export interface Safety {
  readonly app: string
  readonly state: SafetyState
  /** The worst first; never empty. */
  readonly reasons: readonly SafetyReason[]
  /** Undefined when there is nothing to do. */
  readonly nextStep: string | undefined
}

export function judgeSafety(facts: SafetyFacts): Safety {
  const reasons = [...reasonsOf(facts), ...facts.warnings].toSorted(worstFirst)
  const state = stateOf(facts, reasons)
  return { app: facts.app, state, reasons, nextStep: nextStepOf(facts.app, reasons) }
}

const ORDER: readonly ReasonLevel[] = ['damage', 'risk', 'unknown', 'gap', 'warning', 'fact']

function worstFirst(a: SafetyReason, b: SafetyReason): number {
  return ORDER.indexOf(a.level) - ORDER.indexOf(b.level)
}

function stateOf({ repositories }: SafetyFacts, reasons: readonly SafetyReason[]): SafetyState {
  const has = (...codes: readonly ReasonCode[]): boolean => reasons.some(({ code }) => codes.includes(code))
  const isAny = (...levels: readonly ReasonLevel[]): boolean => reasons.some(({ level }) => levels.includes(level))
  const isUnread = repositories.some(({ unread }) => unread !== undefined)
  // What was not read may hold the point that all others lack.
  if (has('state-old', 'fact-missing') || (isUnread && has('no-point'))) return 'unknown'
  if (has('no-point')) return 'unprotected'
  if (isAny('damage', 'risk')) return 'at risk'
  if (isAny('unknown')) return 'unknown'
  return isAny('gap') ? 'unproven' : 'proven'
}
