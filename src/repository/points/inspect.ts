import { Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Commit } from '../documents/documents.ts'
import { checkKeys } from '../keys/point-keys.ts'
import { findFlaw } from './presence.ts'
import { checkStored, openPoint } from './read.ts'
import type { Identity } from '../repository.ts'
import type { RepositoryState } from '../catalog/state.ts'

/**
 * Whether a point could be opened and has all its data: one listing, its keys and its manifest. Without an identity keys and
 * manifest are compared with what the signed commit says of them; with one that opens the point, it is opened. An
 * identity that does not is no fault of the point.
 */
export async function inspectPoint(
  state: RepositoryState,
  commit: Commit,
  identities: readonly Identity[],
  context: Context,
): Promise<void> {
  await checkListed(state, commit, context)
  if (identities.length > 0 && (await opens(state, commit, identities, context))) return
  await checkKeys(state, commit, context.signal)
  await checkStored(state, commit, 0, context)
}

async function checkListed(state: RepositoryState, commit: Commit, { signal }: Context): Promise<void> {
  const flaw = await findFlaw(state, commit, signal)
  if (flaw !== undefined) throw new Failure(flaw.kind === 'unread' ? 'unreachable' : 'corrupt', flaw.message)
}

async function opens(
  state: RepositoryState,
  commit: Commit,
  identities: readonly Identity[],
  context: Context,
): Promise<boolean> {
  try {
    await openPoint(state, commit.point, identities, context)
    return true
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
    return false
  }
}
