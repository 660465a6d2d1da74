import pMap from 'p-map'
import { isFailure } from '../../core/failure.ts'
import type { BlobInfo } from '../../storage/storage.ts'
import type { Commit } from '../documents/documents.ts'
import { whyUnread } from './entries.ts'
import { artifactName, DATA, dataPrefix, generationOf, keysName, keysPrefix, parseDataName } from '../names.ts'
import type { DamagedPoint } from '../repository.ts'
import type { SignedCommit } from '../documents/signed.ts'
import type { RepositoryState } from '../catalog/state.ts'

const LOOK_AT_ONCE = 16
/** Of one point; the first says enough. */
const MOST_NAMED = 3

export interface DataFound {
  /** Points whose data is not all there, with the size that was committed. */
  readonly flaws: readonly DamagedPoint[]
  /** The highest generation of keys, by point. */
  readonly generations: ReadonlyMap<string, number>
}

/**
 * Whether the data of these points is there, by one listing, after their commits were read: what a commit names was stored
 * before it. What a listing lacks is looked at once more before it is called lost.
 */
export async function findFlaws(
  state: RepositoryState,
  commits: readonly SignedCommit[],
  signal: AbortSignal,
): Promise<DataFound> {
  const wanted = new Map(commits.map(({ commit }) => [commit.point, commit]))
  const generations = new Map<string, number>()
  const doubts: Doubt[] = []
  // A folder that cannot be read is found again where what should be in it is looked at.
  const listing = state.storage.list(DATA, signal, { onOther: () => {} })
  for await (const { point, sizes } of dataByPoint(listing)) {
    const commit = wanted.get(point)
    wanted.delete(point)
    if (commit === undefined) continue
    generations.set(point, highestGeneration(commit, sizes))
    doubts.push(...doubtsOf(commit, sizes))
  }
  for (const commit of wanted.values()) doubts.push(...doubtsOf(commit, new Map()))
  return { flaws: await settle(state, doubts, signal), generations }
}

/** The same of one point, by a listing of its data alone. */
export async function findFlaw(
  state: RepositoryState,
  commit: Commit,
  signal: AbortSignal,
): Promise<DamagedPoint | undefined> {
  const sizes = new Map<string, number>()
  const listing = state.storage.list(dataPrefix(commit.point), signal, { onOther: () => {} })
  for await (const { name, size } of listing) sizes.set(name, size)
  return (await settle(state, doubtsOf(commit, sizes), signal))[0]
}

type Sizes = ReadonlyMap<string, number>

async function* dataByPoint(
  blobs: AsyncIterable<BlobInfo>,
): AsyncGenerator<{ readonly point: string; readonly sizes: Sizes }> {
  let current: { readonly point: string; readonly sizes: Map<string, number> } | undefined
  for await (const { name, size } of blobs) {
    const point = parseDataName(name)?.point
    if (point === undefined) continue
    if (current !== undefined && current.point !== point) yield current
    if (current?.point !== point) current = { point, sizes: new Map() }
    current.sizes.set(name, size)
  }
  if (current !== undefined) yield current
}

/** A blob that the listing lacks, or has with another size. */
interface Doubt {
  readonly point: string
  readonly name: string
  /** Undefined where the commit does not say. */
  readonly size: number | undefined
}

function doubtsOf(commit: Commit, sizes: Sizes): Doubt[] {
  const expected = [{ number: 0, ...commit.manifest }, ...commit.artifacts].map(({ number, size }) => ({
    point: commit.point,
    name: artifactName(commit.point, number),
    size,
  }))
  return [...expected, keysOf(commit, highestGeneration(commit, sizes))].filter(
    ({ name, size }) => sizes.get(name) === undefined || (size !== undefined && sizes.get(name) !== size),
  )
}

function keysOf({ point, keys }: Commit, generation: number): Doubt {
  return { point, name: keysName(point, Math.max(1, generation)), size: generation > 1 ? undefined : keys?.size }
}

function highestGeneration({ point }: Commit, sizes: Sizes): number {
  return [...sizes.keys()].reduce((most, name) => Math.max(most, generationOf(name, keysPrefix(point)) ?? 0), 0)
}

async function settle(state: RepositoryState, doubts: readonly Doubt[], signal: AbortSignal): Promise<DamagedPoint[]> {
  const looked = await pMap(doubts, (doubt) => lookAgain(state, doubt, signal), { concurrency: LOOK_AT_ONCE })
  const byPoint = Map.groupBy(
    looked.filter((flaw) => flaw !== undefined),
    ({ point }) => point,
  )
  return [...byPoint.values()].flatMap(merged)
}

async function lookAgain(
  { storage }: RepositoryState,
  { point, name, size }: Doubt,
  signal: AbortSignal,
): Promise<DamagedPoint | undefined> {
  try {
    const found = await storage.stat(name, signal)
    if (size === undefined || found.size === size) return undefined
    return { point, kind: 'corrupt', message: `${name} has ${found.size} instead of ${size} bytes` }
  } catch (error) {
    if (isFailure(error, 'notFound')) return { point, kind: 'corrupt', message: `${name} is gone` }
    return { point, kind: 'unread', message: await whyUnread(storage, name, error, signal) }
  }
}

/** What is gone is said before what could not be looked at. */
function merged(flaws: readonly DamagedPoint[]): DamagedPoint[] {
  const [first] = flaws.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
  if (first === undefined) return []
  const same = flaws.filter(({ kind }) => kind === first.kind)
  const more = same.length > MOST_NAMED ? `, and ${same.length - MOST_NAMED} more` : ''
  const named = same.slice(0, MOST_NAMED).map(({ message }) => message)
  return [{ point: first.point, kind: first.kind, message: `${named.join(', ')}${more}` }]
}
