import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { BlobInfo } from '../../storage/storage.ts'
import { exists } from '../points/blobs.ts'
import { readKnownChain, type Chain } from './catalog.ts'
import { artifactName, commitName, DATA, keysPrefix, parseDataName, proofPrefix } from '../names.ts'
import type { SweepReport } from '../repository.ts'
import type { SignedCommit } from '../documents/signed.ts'
import type { RepositoryState } from './state.ts'

/** A backup may run this long before its commit names what it stored. */
const UNNAMED_AGE = 96 * 60 * 60 * 1000

/**
 * Removes the data of points whose tombstone is past its time, and what no commit and no tombstone names and is older
 * than 96 h, by the storage's clock. The data of a point without commit and tombstone goes only when all of it is that
 * old: a backup that is running is known by what it wrote last.
 *
 * A tombstone stays, so a sweep that died is done again by the next one. Proofs go last: until then they tell what
 * the data was. Uploads that were left unfinished for as long end too. Fails with `refused` while a commit or tombstone is unreadable or a point has vanished, because then
 * it is not known which data is needed.
 */
export async function sweep(state: RepositoryState, context: Context): Promise<SweepReport> {
  const { chain, vanished } = await readKnownChain(state, context)
  assertReadable(state, chain, vanished)
  const now = (await state.storage.now(context.signal)).getTime()
  const names = namesOfCommits(chain)
  const report = { removedBlobs: 0, removedBytes: 0 }
  for await (const { point, blobs } of pointsWithData(state, context.signal)) {
    const expired = isExpired(chain, point, now)
    const doomed = expired ? blobs : unnamed(names.get(point), blobs, now - UNNAMED_AGE)
    // The last look before data goes for good: an undeletion may have brought the commit back.
    if (expired && (await exists(state.storage, commitName(point), context.signal))) continue
    await removeAll(state, inSafeOrder(point, doomed), report, context)
    if (expired) await removeAll(state, await listed(state, proofPrefix(point), context.signal), report, context)
  }
  await state.storage.tidy?.(new Date(now - UNNAMED_AGE), context.signal)
  return report
}

function assertReadable(state: RepositoryState, { damaged }: Chain, vanished: readonly string[]): void {
  const [first] = damaged
  if (first !== undefined) {
    throw new Failure(
      'refused',
      `sweep of ${state.storage.location} refused: restore point ${first.point} is unreadable: ${first.message}`,
      { facts: { damaged: damaged.length } },
    )
  }
  if (vanished.length === 0) return
  throw new Failure(
    'refused',
    `sweep of ${state.storage.location} refused: restore point ${vanished[0]} has vanished without a tombstone`,
    {
      hint: 'Find out who removed it. Its data is still there.',
      facts: { vanished: vanished.length },
    },
  )
}

/** All that commits and tombstones name, by point; keys of any generation count as named. */
function namesOfCommits({ commits, tombstones }: Chain): ReadonlyMap<string, ReadonlySet<string>> {
  const all = [...commits, ...tombstones.map(({ removed }) => removed)]
  return new Map(all.map((signed) => [signed.commit.point, namesOfCommit(signed)]))
}

function namesOfCommit({ commit }: SignedCommit): ReadonlySet<string> {
  return new Set(
    [0, ...commit.artifacts.map(({ number }) => number)].map((number) => artifactName(commit.point, number)),
  )
}

function isExpired({ commits, tombstones }: Chain, point: string, now: number): boolean {
  if (commits.some(({ commit }) => commit.point === point)) return false
  return tombstones.some(({ tombstone }) => tombstone.point === point && Date.parse(tombstone.until) <= now)
}

function unnamed(
  names: ReadonlySet<string> | undefined,
  blobs: readonly BlobInfo[],
  before: number,
): readonly BlobInfo[] {
  const isOld = ({ modified }: BlobInfo): boolean => modified.getTime() < before
  if (names === undefined) return blobs.every(isOld) ? blobs : []
  return blobs.filter((blob) => isOld(blob) && !names.has(blob.name) && !isKeys(blob.name))
}

function isKeys(name: string): boolean {
  const point = parseDataName(name)?.point
  return point !== undefined && name.startsWith(keysPrefix(point))
}

/** Artifacts and manifest before keys: while there are keys, what is left of the data can still be read. */
export function inSafeOrder(point: string, blobs: readonly BlobInfo[]): readonly BlobInfo[] {
  const isKey = ({ name }: BlobInfo): boolean => name.startsWith(keysPrefix(point))
  return [...blobs.filter((blob) => !isKey(blob)), ...blobs.filter(isKey)]
}

async function* pointsWithData(
  state: RepositoryState,
  signal: AbortSignal,
): AsyncGenerator<{ readonly point: string; readonly blobs: readonly BlobInfo[] }> {
  let current: { point: string; blobs: BlobInfo[] } | undefined
  for await (const blob of state.storage.list(DATA, signal)) {
    const point = parseDataName(blob.name)?.point
    if (point === undefined) continue
    if (current !== undefined && current.point !== point) yield current
    if (current?.point !== point) current = { point, blobs: [] }
    current.blobs.push(blob)
  }
  if (current !== undefined) yield current
}

export async function listed(
  state: RepositoryState,
  prefix: string,
  signal: AbortSignal,
): Promise<readonly BlobInfo[]> {
  const blobs: BlobInfo[] = []
  for await (const blob of state.storage.list(prefix, signal)) blobs.push(blob)
  return blobs
}

export async function removeAll(
  state: RepositoryState,
  blobs: readonly BlobInfo[],
  report: { removedBlobs: number; removedBytes: number },
  { signal }: Context,
): Promise<void> {
  for (const { name, size } of blobs) {
    await state.storage.remove(name, signal)
    report.removedBlobs += 1
    report.removedBytes += size
  }
}
