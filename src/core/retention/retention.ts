import type { PointId } from '../restore-point.ts'

/**
 * The words of retention: what is kept, of which points, knowing what. `apply-retention.ts` decides.
 *
 * The rules are ORed: a point stays when any rule keeps it. A count of 0 is no rule; a policy without any rule removes nothing.
 */
export interface RetentionPolicy {
  /** Keep this many of the newest good points. */
  readonly last: number
  /** Keep the newest good point of each of this many days that have one; likewise for weeks (ISO), months and years. */
  readonly daily: number
  readonly weekly: number
  readonly monthly: number
  readonly yearly: number
  /** Keep good points that are at most this much older than the newest good point; 0 is no rule. */
  readonly withinMilliseconds: number
  /** Never go under this many good points; at least 1. */
  readonly minimum: number
  /** IANA name of the zone whose calendar counts. */
  readonly timezone: string
}

export interface RetentionCandidate {
  readonly point: PointId
  /** From the signed commit. Points are ordered by (sequence, point), never by time, which a wrong clock can change. */
  readonly sequence: number
  /** Epoch milliseconds. */
  readonly created: number
  /** Complete, and not found wanting by its latest verify or drill. Only good points fill the slots of rules. */
  readonly good: boolean
  /** Its latest drill succeeded. */
  readonly drilled: boolean
  readonly held: boolean
  /** A restore, drill or verify is reading it. */
  readonly inUse: boolean
}

/** What is known about the repository and the app when a plan is made. */
export interface RetentionFacts {
  /** Epoch milliseconds. */
  readonly now: number
  /** The storage's clock minus ours. */
  readonly storageSkewMilliseconds: number
  /** How often a backup is expected. */
  readonly intervalMilliseconds: number
  readonly lastBackupFailed: boolean
  readonly lastDrillFailed: boolean
  /** The server of the app went back and nobody has accepted it: older points may hold what the newer ones lost. */
  readonly wentBack?: string | undefined
  /** The policy is not the one of the last prune that removed something. */
  readonly policyChanged: boolean
  /** The points whose entries in the repository could not be read or trusted. */
  readonly damaged: readonly PointId[]
  /** Signs that the repository lost points by other means than Holdfast, each with the id that takes it as known. */
  readonly alarms: readonly { readonly message: string; readonly accept: string }[]
  /** What the operator accepted by its id. */
  readonly accepted?: readonly string[]
}

/** Something that stops a removal. */
export interface Stop {
  readonly message: string
  /** The id by which it is passed, where it can be. */
  readonly accept?: string
  /** The ways out, as full sentences. */
  readonly advice: string
}

export interface RetentionVerdict {
  readonly point: PointId
  readonly keep: boolean
  /** Why; never empty. */
  readonly reasons: readonly string[]
}

export interface RetentionPlan {
  /** One for every candidate, newest first. With a refusal or freeze every one of them is to keep. */
  readonly verdicts: readonly RetentionVerdict[]
  /** What cannot be trusted; somebody must look before anything is removed. */
  readonly refusals: readonly string[]
  /** Why nothing is removed at this time; ends by itself when backups and drills succeed again. */
  readonly freezes: readonly string[]
  /** Why an operator must approve exactly this plan before it is carried out. */
  readonly needsApproval: readonly string[]
  /** The ids that pass all of these stops that can be passed. */
  readonly accept: readonly string[]
  /** The ways out of these stops, as full sentences. */
  readonly advice: readonly string[]
}
