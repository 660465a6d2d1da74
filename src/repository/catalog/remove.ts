import { Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { createBlob, exists, readBlobIfAny } from '../points/blobs.ts'
import type { Tombstone } from '../documents/documents.ts'
import { signDocument } from '../documents/dsse.ts'
import { encodeBase64 } from '../documents/encoding.ts'
import { artifactName, commitName, generationOf, keysPrefix, tombstoneName } from '../names.ts'
import { namesOf } from '../points/blobs.ts'
import { parseCommit, readTombstone, type SignedCommit } from '../documents/signed.ts'
import { signerOf, type RepositoryState } from './state.ts'

/**
 * Removes a point: tombstone, then commit. The point exists until its commit is gone; from then on it can be undeleted
 * until the time in the tombstone. To remove a point again that is removed gives its tombstone.
 */
export async function removePoint(
  state: RepositoryState,
  point: string,
  reason: string,
  context: Context,
): Promise<Tombstone> {
  const signer = signerOf(state)
  const bytes = await readBlobIfAny(state.storage, commitName(point), context.signal)
  if (bytes === undefined) return removedBefore(state, point, context)
  const tombstone = await newTombstone(state, await parseCommit(state, point, bytes), reason, context)
  // What a removal or undeletion that died has left would be out of date, and its grace may be over. Until the commit
  // goes the point exists, with or without a tombstone.
  await state.storage.remove(tombstoneName(point), context.signal)
  await createBlob(state.storage, tombstoneName(point), signDocument('tombstone', tombstone, signer), context.signal)
  await state.storage.remove(commitName(point), context.signal)
  return tombstone
}

async function removedBefore(state: RepositoryState, point: string, { signal }: Context): Promise<Tombstone> {
  try {
    return (await readTombstone(state, point, signal)).tombstone
  } catch (error) {
    if (!isFailure(error, 'notFound')) throw error
    throw new Failure('notFound', `there is no restore point ${point} in ${state.storage.location}`)
  }
}

export async function newTombstone(
  state: RepositoryState,
  { commit, bytes }: SignedCommit,
  reason: string,
  context: Context,
): Promise<Tombstone> {
  // The storage's clock: it is the one that later says whether the time is over.
  const now = await state.storage.now(context.signal)
  const until = new Date(now.getTime() + state.graceMilliseconds).toISOString()
  return {
    format: 1,
    repository: state.id,
    point: commit.point,
    created: now.toISOString(),
    reason,
    until,
    commit: encodeBase64(bytes),
  }
}

/**
 * Brings a removed point back: commit, then the tombstone goes. Fails with `notFound` when there is no tombstone and
 * `refused` when data of the point is gone.
 */
export async function undeletePoint(state: RepositoryState, point: string, context: Context): Promise<void> {
  const { signal } = context
  const { removed } = await readTombstone(state, point, signal)
  const lost = await firstLost(state, removed, signal)
  if (lost !== undefined)
    throw new Failure('refused', `restore point ${point} cannot come back: ${lost} is gone`, {
      hint: 'Bring that file back from a copy of the repository, then run it again.',
    })
  // In this order: without commit and tombstone nothing would name the data, and the next sweep would take it.
  await createBlob(state.storage, commitName(point), removed.bytes, signal)
  await state.storage.remove(tombstoneName(point), signal)
}

async function firstLost(
  state: RepositoryState,
  { commit }: SignedCommit,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const number of [0, ...commit.artifacts.map((artifact) => artifact.number)]) {
    const name = artifactName(commit.point, number)
    if (!(await exists(state.storage, name, signal))) return name
  }
  const prefix = keysPrefix(commit.point)
  const names = await namesOf(state.storage, prefix, signal)
  return names.some((name) => generationOf(name, prefix) !== undefined) ? undefined : `${prefix}*`
}
