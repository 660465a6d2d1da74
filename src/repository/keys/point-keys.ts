import { Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { createCheckedBlob, namesOf, readBlob } from '../blobs.ts'
import { sha256 } from '../bytes.ts'
import type { Commit } from '../documents.ts'
import { keyCommitment } from '../envelope/key-schedule.ts'
import { generationOf, keysName, keysPrefix } from '../names.ts'
import type { Identity } from '../repository.ts'
import { readCommit } from '../signed.ts'
import type { RepositoryState } from '../state.ts'
import { recipientCount, unwrapDataKey, wrapDataKey, type PointName } from './wrap.ts'

/** The data key of a point, from the highest generation of its keys, and proven to be the one that its commit means. */
export async function openDataKey(
  state: RepositoryState,
  commit: Commit,
  identities: readonly Identity[],
  signal: AbortSignal,
): Promise<Buffer> {
  const newest = (await generations(state, commit.point, signal)).at(-1)
  if (newest === undefined) throw new Failure('corrupt', `restore point ${commit.point} has no keys`)
  return openGeneration(state, commit, newest, identities, signal)
}

async function openGeneration(
  state: RepositoryState,
  commit: Commit,
  generation: number,
  identities: readonly Identity[],
  signal: AbortSignal,
): Promise<Buffer> {
  const { repository, point } = commit
  const file = await readBlob(state.storage, keysName(point, generation), signal)
  assertAsCommitted(commit, generation, file)
  const dataKey = await unwrapDataKey(file, { repository, point }, identities)
  if (keyCommitment(dataKey, repository, point) === commit.keyCommitment) return dataKey
  throw new Failure('corrupt', `keys of restore point ${point} hold another data key than its commit says`)
}

/** Before any identity is tried: a damaged file can look like one for other recipients. Later generations are not in the commit. */
function assertAsCommitted({ point, keysSha256 }: Commit, generation: number, file: Buffer): void {
  if (generation !== 1 || keysSha256 === undefined || sha256(file) === keysSha256) return
  throw new Failure(
    'corrupt',
    `keys of restore point ${point} are damaged: ${keysName(point, 1)} is not what was stored`,
  )
}

/**
 * What can be said of the keys of a point without an identity: they are the very file that the commit names, or, where they were
 * made anew since, a whole age file for somebody. Fails with `corrupt` when no generation is.
 */
export async function checkKeys(state: RepositoryState, commit: Commit, signal: AbortSignal): Promise<void> {
  let first: unknown
  for (const generation of (await generations(state, commit.point, signal)).toReversed()) {
    try {
      const file = await readBlob(state.storage, keysName(commit.point, generation), signal)
      assertAsCommitted(commit, generation, file)
      await recipientCount(file)
      return
    } catch (error) {
      if (!isFailure(error, 'corrupt')) throw error
      first ??= error
    }
  }
  throw first ?? new Failure('corrupt', `restore point ${commit.point} has no keys`)
}

/** Ascending. */
async function generations(state: RepositoryState, point: string, signal: AbortSignal): Promise<readonly number[]> {
  const prefix = keysPrefix(point)
  const names = await namesOf(state.storage, prefix, signal)
  return names.flatMap((name) => generationOf(name, prefix) ?? []).sort((a, b) => a - b)
}

/**
 * Encrypts a point's data key anew, to other recipients. Touches nothing but its keys, and a run that died is repeated
 * by calling it again. One of `identities` must open the point, and one must still open it afterwards, or the old keys stay.
 */
export async function rewrapPoint(
  state: RepositoryState,
  point: string,
  identities: readonly Identity[],
  recipients: readonly string[],
  { signal }: Context,
): Promise<void> {
  const { commit } = await readCommit(state, point, signal)
  const older = await generations(state, point, signal)
  const dataKey = await openAny(state, commit, older, identities, signal)
  const next = (older.at(-1) ?? 0) + 1
  const file = await wrapDataKey(dataKey, { repository: state.id, point }, recipients)
  // In memory first: after the put the new file counts, so it must be known to be good before it is there.
  await assertOpens(file, { repository: state.id, point }, identities)
  await putKeys(state, keysName(point, next), file, signal)
  // Only now: if the process dies before, the next run finds both generations and starts again.
  for (const generation of older) await state.storage.remove(keysName(point, generation), signal)
}

async function assertOpens(file: Uint8Array, name: PointName, identities: readonly Identity[]): Promise<void> {
  try {
    await unwrapDataKey(file, name, identities)
  } catch (cause) {
    if (!isFailure(cause, 'denied')) throw cause
    throw new Failure('refused', `none of the identities at hand could open restore point ${name.point} any more`, {
      cause,
      hint: 'Give an identity of one of the recipients that stay, so that the new keys can be tried.',
    })
  }
}

/** A file that the storage did not keep as it was written is taken away again: it would count, and open nothing. */
async function putKeys(state: RepositoryState, name: string, file: Uint8Array, signal: AbortSignal): Promise<void> {
  try {
    await createCheckedBlob(state.storage, name, file, signal)
  } catch (error) {
    if (isFailure(error, 'corrupt')) await state.storage.remove(name, signal)
    throw error
  }
}

/** The newest generation that opens: an earlier run may have left a newer one that a storage damaged. */
async function openAny(
  state: RepositoryState,
  commit: Commit,
  all: readonly number[],
  identities: readonly Identity[],
  signal: AbortSignal,
): Promise<Buffer> {
  let first: unknown
  for (const generation of all.toReversed()) {
    try {
      return await openGeneration(state, commit, generation, identities, signal)
    } catch (error) {
      first ??= error
    }
  }
  throw first ?? new Failure('corrupt', `restore point ${commit.point} has no keys`)
}
