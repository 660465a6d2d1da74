import { failedFinding } from '../core/failed-finding.ts'
import { Failure } from '../core/failure.ts'
import type { FailureKind } from '../core/failure.ts'
import type { Clock } from '../core/ports.ts'
import type { Finding } from '../core/restore-point.ts'
import type { Storage } from './storage.ts'

export interface Probe {
  readonly storage: Storage
  readonly clock: Clock
  readonly signal: AbortSignal
  /** What is tried lies under here. */
  readonly folder: string
}

/** What one act found. A failure of these kinds is an answer too; any other, as of a storage that is away, is thrown on. */
export async function tried(
  subject: string,
  answers: readonly FailureKind[],
  act: () => Promise<Finding>,
): Promise<Finding> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Failure) || !answers.includes(error.kind)) throw error
    return failedFinding(subject, error)
  }
}
