import pMap from 'p-map'
import { describe, isFailure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'
import { namesOf } from './blobs.ts'
import { pointOfDocument, POINTS, REMOVED } from './names.ts'
import { compareWithMemory } from './rollback.ts'
import { readProofs } from './proofs.ts'
import type { Catalog, CatalogPoint, DamagedPoint, KnownCommits } from './repository.ts'
import { readCommit, readTombstone, type SignedCommit, type SignedTombstone } from './signed.ts'
import type { RepositoryState } from './state.ts'

const READ_AT_ONCE = 32

/** All signed documents that decide which points exist. */
export interface Chain {
  /** Ordered by (sequence, point id). */
  readonly commits: readonly SignedCommit[]
  readonly tombstones: readonly SignedTombstone[]
  readonly damaged: readonly DamagedPoint[]
  /** Names that belong to nothing. */
  readonly strangers: readonly string[]
}

export async function readCatalog(state: RepositoryState, context: Context): Promise<Catalog> {
  const { chain, alarms } = await readKnownChain(state, context)
  const points = new Set(chain.commits.map(({ commit }) => commit.point))
  const proofs = await readProofs(state, points, context.signal)
  return {
    points: chain.commits.map((signed) => pointOf(signed, proofs)),
    damaged: chain.damaged,
    // A removal that was cut off before it took the commit has removed nothing.
    removed: chain.tombstones.map(({ tombstone }) => tombstone).filter(({ point }) => !points.has(point)),
    alarms: [
      ...alarms,
      ...chain.strangers.map((name) => `${name} does not belong to the repository`),
      ...proofs.alarms,
    ],
  }
}

function pointOf(
  { commit, sha256, signer }: SignedCommit,
  proofs: Awaited<ReturnType<typeof readProofs>>,
): CatalogPoint {
  return { point: commit.point, commit, commitSha256: sha256, signer, ...proofs.of(commit.point, sha256, commit.held) }
}

export interface KnownChain {
  readonly chain: Chain
  readonly vanished: readonly string[]
  readonly alarms: readonly string[]
  /** Of all commits and tombstones that this machine has ever seen. */
  readonly highestSequence: number
}

/** Reads the chain, compares it with what this machine saw before, and remembers what it is now. */
export async function readKnownChain(
  state: RepositoryState,
  context: Context,
  known: KnownCommits = new Map(),
): Promise<KnownChain> {
  const chain = await readChain(state, known, context.signal)
  return { chain, ...(await compareWithMemory(state, chain, context)) }
}

/**
 * Commits are read before tombstones: a removal writes the tombstone first, so a commit that is gone when this looks
 * has its tombstone there to be seen.
 */
async function readChain(state: RepositoryState, known: KnownCommits, signal: AbortSignal): Promise<Chain> {
  const read = async (point: string): Promise<SignedCommit> => {
    const commit = known.get(point) ?? (await readCommit(state, point, signal))
    known.set(point, commit)
    return commit
  }
  const commits = await readAll(state, POINTS, read, signal)
  const tombstones = await readAll(state, REMOVED, (point) => readTombstone(state, point, signal), signal)
  return {
    commits: commits.read.sort(inOrder),
    tombstones: tombstones.read,
    damaged: [...commits.damaged, ...tombstones.damaged],
    strangers: [...commits.strangers, ...tombstones.strangers],
  }
}

interface ReadAll<Document> {
  readonly read: Document[]
  readonly damaged: DamagedPoint[]
  readonly strangers: string[]
}

async function readAll<Document>(
  state: RepositoryState,
  prefix: string,
  read: (point: string) => Promise<Document>,
  signal: AbortSignal,
): Promise<ReadAll<Document>> {
  const found: ReadAll<Document> = { read: [], damaged: [], strangers: [] }
  const names = await namesOf(state.storage, prefix, signal)
  await pMap(
    names,
    async (name) => {
      const point = pointOfDocument(name)
      if (point === undefined) found.strangers.push(name)
      else await readInto(found, point, read)
    },
    { concurrency: READ_AT_ONCE },
  )
  return found
}

async function readInto<Document>(
  found: ReadAll<Document>,
  point: string,
  read: (point: string) => Promise<Document>,
): Promise<void> {
  try {
    found.read.push(await read(point))
  } catch (error) {
    // It was removed after it was listed.
    if (isFailure(error, 'notFound')) return
    found.damaged.push(damagedPoint(point, error))
  }
}

function damagedPoint(point: string, error: unknown): DamagedPoint {
  for (const kind of ['corrupt', 'denied', 'unsupported'] as const) {
    if (isFailure(error, kind)) return { point, kind, message: describe(error) }
  }
  throw error
}

function inOrder({ commit: a }: SignedCommit, { commit: b }: SignedCommit): number {
  return a.sequence - b.sequence || (a.point < b.point ? -1 : 1)
}
