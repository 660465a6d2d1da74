import { isFailure, toFailure, type Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { createBlob, exists } from './blobs.ts'
import type { ProofKind } from '../documents/documents.ts'
import { commitName, parseProofName, tombstoneName } from '../names.ts'
import { signProof, type ProofOutcome, type SignedProof } from './proofs.ts'
import type { PointCommit } from '../repository.ts'
import type { RepositoryState } from '../catalog/state.ts'

/** What became of a proof. One that the repository did not take is signed all the same, and counts where it is kept. */
export type Recording =
  | { readonly recorded: true }
  | { readonly recorded: false; readonly failure: Failure; readonly keptHere: boolean }

/** Stores a signed proof about this commit; keeps it on this machine where the repository does not take it. */
export async function recordProof(
  state: RepositoryState,
  about: PointCommit,
  kind: ProofKind,
  outcome: ProofOutcome,
  context: Context,
): Promise<Recording> {
  let signed: SignedProof | undefined
  try {
    signed = signProof(state, about, kind, outcome, context)
    await createBlob(state.storage, signed.name, signed.bytes, context.signal)
    return { recorded: true }
  } catch (error) {
    const keptHere = signed !== undefined && (await keepHere(state, signed, context))
    // Also then the verdict was kept first: it was there before somebody lost patience with the storage.
    if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
    return { recorded: false, failure: toFailure(error), keptHere }
  }
}

async function keepHere(state: RepositoryState, { name, bytes }: SignedProof, context: Context): Promise<boolean> {
  try {
    await state.memory.keepProof(state.id, name, bytes)
    return true
  } catch (error) {
    context.progress({
      type: 'warning',
      message: `${name} cannot be kept on this machine either: ${toFailure(error).message}`,
    })
    return false
  }
}

/**
 * Stores the proofs that this machine kept for the repository. Gives what failed: such a proof stays kept. One about a
 * point that is gone for good is forgotten.
 */
export async function storeKeptProofs(state: RepositoryState, context: Context): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  for (const { name, bytes } of (await state.memory.keptProofs(state.id)).proofs) {
    try {
      const place = await placeOf(state, name, context)
      if (place === 'listed') await createBlob(state.storage, name, bytes, context.signal)
      // Only now: if the process dies before, the next run stores the same bytes under the same name.
      if (place !== 'removed') await state.memory.forgetProof(state.id, name)
    } catch (error) {
      if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
      failures.push(toFailure(error))
    }
  }
  return failures
}

/** Where the point of a proof is. What can still be undeleted keeps its proof. */
async function placeOf(
  state: RepositoryState,
  name: string,
  { signal }: Context,
): Promise<'listed' | 'removed' | 'gone'> {
  const point = parseProofName(name)?.point
  if (point === undefined) return 'gone'
  if (await exists(state.storage, commitName(point), signal)) return 'listed'
  return (await exists(state.storage, tombstoneName(point), signal)) ? 'removed' : 'gone'
}
