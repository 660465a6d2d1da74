import { toFailure, type Failure } from '../../core/failure.ts'
import type { ProofKind } from '../../repository/documents/documents.ts'
import type { ProofOutcome } from '../../repository/points/proofs.ts'
import type { PointCommit, Repository } from '../../repository/repository.ts'
import type { OperationContext } from '../app.ts'
import { summarize, type FailureSummary } from '../backup/report.ts'

/** What became of the signed proof of a verdict: a second matter beside the verdict itself. */
export interface Recorded {
  /** Whether the repository has the proof. */
  readonly recorded: boolean
  readonly recordingFailure?: FailureSummary
  /** There if it was not recorded: whether this machine keeps it, counts it, and stores it in a later run. */
  readonly keptHere?: boolean
}

/** Records a verdict, and before it what earlier runs could not. A recording that fails loses no verdict. */
export async function recordVerdict(
  repository: Repository,
  about: PointCommit,
  kind: ProofKind,
  outcome: ProofOutcome,
  context: OperationContext,
): Promise<Recorded> {
  await storeKept(repository, context)
  const recording = await repository.record(about, kind, outcome, context)
  if (recording.recorded) return { recorded: true }
  const { failure, keptHere } = recording
  return { recorded: false, recordingFailure: summarize(failure), keptHere }
}

/** Stores the proofs that earlier runs on this machine had to keep. What keeps them from being stored stops nothing. */
export async function storeKept(repository: Repository, context: OperationContext): Promise<void> {
  for (const { message } of await failuresOf(() => repository.storeKeptProofs(context), context))
    context.progress({ type: 'warning', message: `a proof that is kept on this machine cannot be stored: ${message}` })
}

async function failuresOf(
  act: () => Promise<readonly Failure[]>,
  { signal }: OperationContext,
): Promise<readonly Failure[]> {
  try {
    return await act()
  } catch (error) {
    if (signal.aborted) throw error
    return [toFailure(error)]
  }
}
