/**
 * The words of the domain.
 *
 * - app: a deployed product made of components.
 * - component: one piece of an app's state, with a kind such as `postgres` or `files`; a driver is the code for a kind.
 * - repository: the place that holds restore points, named by URL; storage is the raw blobs under it.
 * - restore point: one app at one moment, encrypted and immutable. It exists if and only if its commit exists and the
 *   commit's signature is valid.
 * - artifact: one encrypted stream of a restore point.
 * - recipient / identity: public / private key; a backup needs recipients, a restore needs an identity.
 * - verify reads and checks; a drill restores into a throw-away target, compares and destroys; both leave a signed proof.
 * - target: where a restore goes: `swap` (beside the live data, then swapped in), `in-place`, or `scratch`.
 */

/** How far the truth of a restore point has been established; each state implies the ones before it. */
const truthStates = ['captured', 'stored', 'read back', 'restored', 'app-proven'] as const
export type TruthState = (typeof truthStates)[number]

export type TargetMode = 'swap' | 'in-place' | 'scratch'

/** A 128-bit UUIDv7 as 32 lower-case hexadecimal digits: sorts by time and carries no user text. */
export type PointId = string
const pointIdPattern = /^[0-9a-f]{32}$/

export function isPointId(text: string): text is PointId {
  return pointIdPattern.test(text)
}

/** What `check` and preflights find. An error prevents the operation; a warning is said and recorded in the point. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error' | 'untested'
  /** What was looked at, for example `database authentik: row-level security`. */
  readonly subject: string
  readonly message: string
  readonly hint?: string
}

/** One way in which restored data is not what was captured. */
export interface Difference {
  /** For example `rows of public.users`, `INDEX public users_email_idx`, `file tls/ca.key`. */
  readonly subject: string
  readonly expected: string
  readonly found: string
  /** Where a text is known: the lines of a unified diff from what was expected to what was found. */
  readonly diff?: readonly string[]
}
