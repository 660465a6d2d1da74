import { failedFinding } from '../../core/failed-finding.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'

/** A failure as what was found; only a cancellation and our own defects go on. */
export function asFinding(subject: string, error: unknown, context: Context): Finding {
  if (context.signal.aborted) throw new Failure('cancelled', 'cancelled', { cause: error })
  if (!(error instanceof Failure) || error.kind === 'bug') throw error
  return failedFinding(subject, error)
}
