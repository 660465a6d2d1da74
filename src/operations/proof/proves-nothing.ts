import { isFullDisk, toFailure, type FailureKind } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'

/** What says something about the point: its bytes, a tool that took its data and failed, a target that refuses it. */
const FINDINGS: readonly FailureKind[] = ['corrupt', 'toolFailed', 'refused', 'incomplete']

/**
 * Whether a drill that ended so found out nothing about the point: it was stopped, had no room, no right or no tool, or could not
 * reach what it needs. Such an end is told as what it is, and signs nothing.
 */
export function provesNothing(error: unknown, { signal }: Context): boolean {
  return signal.aborted || isFullDisk(error) || !FINDINGS.includes(toFailure(error).kind)
}
