import { lacksRoom } from '../../core/lacks-room.ts'
import type { Context } from '../../core/ports.ts'
import { createBlob, readBlobIfAny } from '../points/blobs.ts'
import { signDocument } from '../documents/dsse.ts'
import { commitName, dataPrefix, proofPrefix, tombstoneName } from '../names.ts'
import { newTombstone, removePoint } from './remove.ts'
import type { SweepReport } from '../repository.ts'
import { parseCommit } from '../documents/signed.ts'
import { signerOf, type RepositoryState } from './state.ts'
import { inSafeOrder, listed, removeAll } from './sweep.ts'

/**
 * Removes a point and frees its space at once; nothing brings it back. One that was removed before loses its grace.
 * A process that dies here leaves a removed point with a part of its data, and it is done again.
 */
export async function purgePoint(
  state: RepositoryState,
  point: string,
  reason: string,
  context: Context,
): Promise<SweepReport> {
  const writeLater = await removeOrPostpone(state, point, reason, context)
  const report = await removeData(state, point, context)
  await writeLater?.()
  return report
}

/**
 * On a disk that is full there is no room for a tombstone either. Then the commit goes without, and the tombstone is
 * written into the room that the data gives free: whoever dies between leaves data that the next sweep takes.
 */
async function removeOrPostpone(
  state: RepositoryState,
  point: string,
  reason: string,
  context: Context,
): Promise<(() => Promise<void>) | undefined> {
  const bytes = await readBlobIfAny(state.storage, commitName(point), context.signal)
  try {
    await removePoint(state, point, reason, context)
    return undefined
  } catch (error) {
    if (!lacksRoom(error) || bytes === undefined) throw error
    const tombstone = await newTombstone(state, await parseCommit(state, point, bytes), reason, context)
    await state.storage.remove(commitName(point), context.signal)
    const signed = signDocument('tombstone', { ...tombstone, until: tombstone.created }, signerOf(state))
    return () => createBlob(state.storage, tombstoneName(point), signed, context.signal)
  }
}

async function removeData(state: RepositoryState, point: string, context: Context): Promise<SweepReport> {
  const report = { removedBlobs: 0, removedBytes: 0 }
  const data = await listed(state, dataPrefix(point), context.signal)
  await removeAll(state, inSafeOrder(point, data), report, context)
  await removeAll(state, await listed(state, proofPrefix(point), context.signal), report, context)
  return report
}

/**
 * Takes a commit or tombstone away that cannot be read, so that it stops nobody any more. What it may have named is swept
 * like all that nobody names. This machine forgets the point; others raise an alarm until they are told.
 */
export async function dropDamaged(state: RepositoryState, point: string, context: Context): Promise<void> {
  signerOf(state)
  await state.storage.remove(commitName(point), context.signal)
  await state.storage.remove(tombstoneName(point), context.signal)
  const seen = await state.memory.load(state.id)
  const { [point]: _gone, ...points } = seen.points
  await state.memory.save(state.id, { ...seen, points })
}
