import { faultOf } from './environment-fault.ts'

/**
 * The one error of Holdfast. Its kind answers "what should the caller do?", not "where did it happen?".
 *
 * Messages are lower case without a full stop and name the thing and the act; hints are sentences that say the next
 * step; facts are for logs and `--json`. None of them ever holds a secret.
 */
export const failureKinds = {
  usage: { exit: 2, http: 400, retry: false },
  incomplete: { exit: 3, http: 200, retry: false },
  notFound: { exit: 10, http: 404, retry: false },
  locked: { exit: 11, http: 409, retry: true },
  denied: { exit: 12, http: 403, retry: false },
  refused: { exit: 13, http: 409, retry: false },
  unreachable: { exit: 20, http: 503, retry: true },
  toolFailed: { exit: 21, http: 502, retry: false },
  corrupt: { exit: 30, http: 422, retry: false },
  unsupported: { exit: 31, http: 422, retry: false },
  bug: { exit: 70, http: 500, retry: false },
  cancelled: { exit: 130, http: 499, retry: false },
} as const

export type FailureKind = keyof typeof failureKinds

export interface FailureDetails {
  /** What to do next, as full sentences. */
  readonly hint?: string
  /** Plain values for logs and `--json`. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>
  readonly cause?: unknown
}

export class Failure extends Error {
  override readonly name = 'Failure'
  readonly kind: FailureKind
  readonly hint: string | undefined
  readonly facts: Readonly<Record<string, string | number | boolean>>

  constructor(kind: FailureKind, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = kind
    this.hint = details.hint
    this.facts = details.facts ?? {}
  }
}

/** Whether the same call may succeed when it is made again. */
export function mayRetry(error: unknown): boolean {
  return error instanceof Failure && failureKinds[error.kind].retry
}

/** Whether `error` is a failure of this kind. */
export function isFailure(error: unknown, kind: FailureKind): error is Failure {
  return error instanceof Failure && error.kind === kind
}

/** Of a failure that says nothing about the data: a program did not come to its end, or is one of our own. */
export const OF_ENVIRONMENT = { environment: true } as const

/**
 * Whether a failure says something about the data that was read or restored. Only such a one may become a verdict or sign a
 * proof; any other comes from what stands around the data (a disk, a right, a server, a tool, an option, a defect of ours).
 */
export function isAboutTheData({ kind, facts }: Failure): boolean {
  if (kind === 'corrupt' || kind === 'incomplete') return true
  if (kind === 'toolFailed') return facts['environment'] !== true
  // The server does not take what was captured, and the operator may agree to go without it.
  return kind === 'refused' && String(facts['accept'] ?? '').startsWith('without-')
}

/** The same failure of a program, known to come from what stands around the data. */
export function asOfEnvironment(error: unknown): Failure {
  const failure = toFailure(error)
  const { kind, message, hint, facts, cause } = failure
  if (kind !== 'toolFailed') return failure
  return new Failure(kind, message, {
    cause: cause ?? failure,
    facts: { ...facts, ...OF_ENVIRONMENT },
    ...(hint === undefined ? {} : { hint }),
  })
}

/** Any thrown value as a Failure: what is not one already is a fault of the environment, the cancellation of an AbortSignal, or a bug. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof Error && error.name === 'AbortError')
    return new Failure('cancelled', 'cancelled', { cause: error })
  const message = describe(error)
  const fault = faultOf(error)
  if (fault !== undefined) return new Failure(fault.kind, message, { cause: error, hint: fault.hint })
  return new Failure('bug', message, {
    cause: error,
    hint: 'This is a defect in Holdfast. Please report it with the command you ran.',
  })
}

/** An error of the system in an act of ours, such as `secret file /x cannot be read`, with the kind of its cause. */
export function systemFailure(act: string, cause: unknown, hint?: string): Failure {
  if (cause instanceof Failure) return cause
  const fault = faultOf(cause)
  const next = hint ?? fault?.hint
  return new Failure(fault?.kind ?? 'unreachable', `${act}: ${fault?.what ?? describe(cause)}`, {
    cause,
    ...(next === undefined ? {} : { hint: next }),
  })
}

/** One line for people: the message of any thrown value. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
