import { describe, Failure } from './failure.ts'
import type { Finding } from './restore-point.ts'

/** A failure as what a check or a preflight found: an error about `subject`, with its next step. */
export function failedFinding(subject: string, error: unknown): Finding {
  const hint = error instanceof Failure ? error.hint : undefined
  return { level: 'error', subject, message: describe(error), ...(hint === undefined ? {} : { hint }) }
}
