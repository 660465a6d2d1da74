import { Failure, isFailure, toFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { sha256 } from '../documents/bytes.ts'
import { createCheckedBlob, namesOf, readBlob, readBlobIfAny } from '../points/blobs.ts'
import type { Commit } from '../documents/documents.ts'
import { keyCommitment } from '../envelope/key-schedule.ts'
import { generationOf, keysName, keysPrefix, keysSumName } from '../names.ts'
import type { Identity } from '../repository.ts'
import { readCommit } from '../documents/signed.ts'
import type { RepositoryState } from '../catalog/state.ts'
import { recipientCount, unwrapDataKey, wrapDataKey, type PointName } from './wrap.ts'

/** A data key, and what was found wrong with newer keys than those that held it. */
export interface OpenedKey {
  readonly dataKey: Buffer
  readonly alarms: readonly string[]
}

/**
 * The data key of a point, from the highest generation of its keys that gives the one that its commit means. A generation
 * that does not is passed over and named. If none does, the failure is that of the newest which is not damaged: what
 * cannot be read or opened may be good.
 */
export async function openDataKey(
  state: RepositoryState,
  commit: Commit,
  identities: readonly Identity[],
  signal: AbortSignal,
): Promise<OpenedKey> {
  return openAny(state, commit, await generations(state, commit.point, signal), identities, signal)
}

async function openGeneration(
  state: RepositoryState,
  commit: Commit,
  generation: number,
  identities: readonly Identity[],
  signal: AbortSignal,
): Promise<OpenedKey> {
  const { repository, point } = commit
  const name = keysName(point, generation)
  const file = await readBlob(state.storage, name, signal)
  const sum = await compareSum(state, commit, generation, file, signal)
  if (sum === 'differs' && generation === 1) throw notAsStored(name)
  const dataKey = await unwrapDataKey(file, { repository, point }, identities).catch((error: unknown) => {
    throw asDamage(name, sum, error)
  })
  if (keyCommitment(dataKey, repository, point) !== commit.keyCommitment)
    throw new Failure('corrupt', `${name} does not hold the data key that the commit of its restore point names`)
  // The commitment is signed, so the key is right: then it is the sum beside it that is damaged.
  const alarms = sum === 'differs' ? [`${keysSumName(point, generation)} is damaged; the keys beside it are whole`] : []
  return { dataKey, alarms }
}

/** A flipped bit in the part for a recipient looks like keys for somebody else; only a sum tells them apart. */
function asDamage(name: string, sum: Sum, error: unknown): unknown {
  if (sum === 'fits' || !isFailure(error, 'denied')) return error
  if (sum === 'differs') return notAsStored(name)
  return new Failure('denied', error.message, {
    cause: error,
    facts: error.facts,
    hint: `${error.hint ?? ''} If it is the right one, ${name} is damaged: take it from another repository or copy.`.trim(),
  })
}

type Sum = 'fits' | 'differs' | 'unknown'

/** Of `keys-1` the signed commit has the sum; of later generations a file beside them. Older points have neither. */
async function compareSum(
  { storage }: RepositoryState,
  { point, keys }: Commit,
  generation: number,
  file: Buffer,
  signal: AbortSignal,
): Promise<Sum> {
  const name = keysSumName(point, generation)
  const expected = generation === 1 ? keys?.sha256 : (await readBlobIfAny(storage, name, signal))?.toString('latin1')
  if (expected === undefined) return 'unknown'
  return expected.trimEnd() === sha256(file) ? 'fits' : 'differs'
}

function notAsStored(name: string): Failure {
  return new Failure('corrupt', `${name} is not what was stored: its SHA-256 differs`)
}

/**
 * What can be said of the keys of a point without an identity: they have the sum that was stored, or, where none was, they
 * are a whole age file for somebody. Fails with `corrupt` when no generation is.
 */
export async function checkKeys(state: RepositoryState, commit: Commit, signal: AbortSignal): Promise<void> {
  let first: unknown
  for (const generation of (await generations(state, commit.point, signal)).toReversed()) {
    try {
      const file = await readBlob(state.storage, keysName(commit.point, generation), signal)
      const sum = await compareSum(state, commit, generation, file, signal)
      if (sum === 'differs') throw notAsStored(keysName(commit.point, generation))
      if (sum === 'unknown') await recipientCount(file)
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
  const names = await namesOf(state.storage, keysPrefix(point), signal)
  return names.flatMap((name) => generationOf(name, keysPrefix(point)) ?? []).sort((a, b) => a - b)
}

/** The files of all generations, sums included, also of one that died after its sum. */
async function keyFiles(
  state: RepositoryState,
  point: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const names = await namesOf(state.storage, keysPrefix(point), signal)
  const numbers = names.map((name) => generationOf(name.replace(/\.sha256$/, ''), keysPrefix(point)) ?? 0)
  return new Map(names.map((name, at) => [name, numbers[at] ?? 0] as const).filter(([, number]) => number > 0))
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
  const { dataKey } = await openAny(state, commit, older, identities, signal)
  const files = await keyFiles(state, point, signal)
  const next = Math.max(0, ...files.values()) + 1
  const file = await wrapDataKey(dataKey, { repository: state.id, point }, recipients)
  // In memory first: after the put the new file counts, so it must be known to be good before it is there.
  await assertOpens(file, { repository: state.id, point }, identities)
  // The sum first: if the process dies between, a sum without keys is in nobody's way.
  await createCheckedBlob(state.storage, keysSumName(point, next), Buffer.from(`${sha256(file)}\n`), signal)
  await putKeys(state, keysName(point, next), file, signal)
  // Only now: if the process dies before, the next run finds both generations and starts again.
  for (const name of files.keys()) await state.storage.remove(name, signal)
}

async function assertOpens(file: Uint8Array, name: PointName, identities: readonly Identity[]): Promise<void> {
  try {
    await unwrapDataKey(file, name, identities)
  } catch (cause) {
    if (!isFailure(cause, 'denied')) throw cause
    throw new Failure('refused', `none of the identities at hand could open restore point ${name.point} any more`, {
      cause,
      hint: 'Set identity in the configuration to the file of a key that stays (holdfast key export <name> --to <file> writes it), and run it again.',
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
): Promise<OpenedKey> {
  const failed: Failure[] = []
  for (const generation of all.toReversed()) {
    try {
      const opened = await openGeneration(state, commit, generation, identities, signal)
      return withAlarms(opened, failed, generation)
    } catch (error) {
      failed.push(named(keysName(commit.point, generation), error))
      if (signal.aborted) throw error
    }
  }
  throw failed.find(({ kind }) => kind !== 'corrupt') ?? failed[0] ?? noKeys(commit)
}

function withAlarms({ dataKey, alarms }: OpenedKey, passed: readonly Failure[], generation: number): OpenedKey {
  const before = passed.map(({ message }) => `${message}; keys-${generation} was used instead`)
  return { dataKey, alarms: [...before, ...alarms] }
}

/** A generation that went since it was listed is as good as damaged. */
function named(name: string, error: unknown): Failure {
  const failure = toFailure(error)
  const { kind, message, facts, hint } = failure
  const details = { facts, cause: failure, ...(hint === undefined ? {} : { hint }) }
  return new Failure(
    kind === 'notFound' ? 'corrupt' : kind,
    message.includes(name) ? message : `${name}: ${message}`,
    details,
  )
}

function noKeys({ point }: Commit): Failure {
  return new Failure('corrupt', `restore point ${point} has no keys`)
}
