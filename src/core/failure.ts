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

const FULL = ['ENOSPC', 'EDQUOT']

/** Whether a disk of this machine that ran full is what it comes from. */
export function isFullDisk(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && FULL.includes(String(error.code))) || isFullDisk(error.cause)
}

/** Any thrown value as a Failure: what is not one already is a full disk, the cancellation of an AbortSignal, or a bug. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof Error && error.name === 'AbortError')
    return new Failure('cancelled', 'cancelled', { cause: error })
  const message = error instanceof Error ? error.message : String(error)
  if (isFullDisk(error))
    return new Failure('refused', message, {
      cause: error,
      hint: 'Make room on that disk. If it is that of the folder for temporary files, TMPDIR names another.',
    })
  return new Failure('bug', message, {
    cause: error,
    hint: 'This is a defect in Holdfast. Please report it with the command you ran.',
  })
}

/** One line for people: the message of any thrown value. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
