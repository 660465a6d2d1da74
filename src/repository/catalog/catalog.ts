import pMap from 'p-map'
import { describe, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { readBlob } from '../points/blobs.ts'
import { entriesOf, whyUnread } from '../points/entries.ts'
import { compareHoldings, takeHoldingsAsKnown } from '../points/holdings.ts'
import { commitName, pointOfDocument, POINTS, REMOVED, tombstoneName } from '../names.ts'
import { findFlaws } from '../points/presence.ts'
import { compareWithMemory, takeAsKnown } from './rollback.ts'
import { readProofs } from '../points/proofs.ts'
import type { Catalog, CatalogPoint, DamagedPoint, KnownCommits } from '../repository.ts'
import { parseCommit, parseTombstone, type SignedCommit, type SignedTombstone } from '../documents/signed.ts'
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

/**
 * All of it, with one listing of the data: a commit alone is no restore point that can be restored. What cannot be read is named
 * and hides nothing else.
 */
export async function readCatalog(state: RepositoryState, context: Context): Promise<Catalog> {
  const { chain, alarms } = await readKnownChain(state, context)
  const points = new Set(chain.commits.map(({ commit }) => commit.point))
  // Both after the commits: what a commit names was stored before it.
  const [proofs, data] = await Promise.all([
    readProofs(state, points, context.signal),
    findFlaws(state, chain.commits, context.signal),
  ])
  const lost = await compareHoldings(state, { chain, holds: proofs.holds, generations: data.generations }, context)
  return {
    points: chain.commits.map((signed) => pointOf(signed, proofs)),
    damaged: [...chain.damaged, ...data.flaws],
    // A removal that was cut off before it took the commit has removed nothing.
    removed: chain.tombstones.map(({ tombstone }) => tombstone).filter(({ point }) => !points.has(point)),
    alarms: [
      ...alarms,
      ...chain.strangers.map((name) => `${name} does not belong to the repository`),
      ...proofs.alarms,
      ...lost,
    ],
    unread: proofs.unread,
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

/** Takes alarms about what this machine saw before as known: they are raised no more. */
export async function acknowledge(
  state: RepositoryState,
  isKnown: (alarm: string) => boolean,
  context: Context,
): Promise<void> {
  await takeAsKnown(state, await readChain(state, new Map(), context.signal), isKnown, context)
  await takeHoldingsAsKnown(state, isKnown)
}

/**
 * Commits are read before tombstones: a removal writes the tombstone first, so a commit that is gone when this looks
 * has its tombstone there to be seen.
 */
async function readChain(state: RepositoryState, known: KnownCommits, signal: AbortSignal): Promise<Chain> {
  const commits = await readAll(state, COMMITS, signal, known)
  for (const signed of commits.read) known.set(signed.commit.point, signed)
  const tombstones = await readAll(state, TOMBSTONES, signal)
  return {
    commits: commits.read.sort(inOrder),
    tombstones: tombstones.read,
    damaged: [...commits.damaged, ...tombstones.damaged],
    strangers: [...commits.strangers, ...tombstones.strangers],
  }
}

/** One kind of signed documents. */
interface Kind<Document> {
  readonly prefix: string
  readonly nameOf: (point: string) => string
  readonly parse: (state: RepositoryState, point: string, bytes: Buffer) => Promise<Document>
}

const COMMITS: Kind<SignedCommit> = { prefix: POINTS, nameOf: commitName, parse: parseCommit }
const TOMBSTONES: Kind<SignedTombstone> = { prefix: REMOVED, nameOf: tombstoneName, parse: parseTombstone }

interface ReadAll<Document> {
  readonly read: Document[]
  readonly damaged: DamagedPoint[]
  readonly strangers: string[]
}

async function readAll<Document>(
  state: RepositoryState,
  kind: Kind<Document>,
  signal: AbortSignal,
  known: ReadonlyMap<string, Document> = new Map(),
): Promise<ReadAll<Document>> {
  const found: ReadAll<Document> = { read: [], damaged: [], strangers: [] }
  const { names, others } = await entriesOf(state.storage, kind.prefix, signal)
  await pMap(
    names,
    async (name) => {
      const point = pointOfDocument(name)
      const before = point === undefined ? undefined : known.get(point)
      if (point === undefined) found.strangers.push(name)
      else if (before !== undefined) found.read.push(before)
      else await readInto(found, point, { state, kind, signal })
    },
    { concurrency: READ_AT_ONCE },
  )
  for (const { name, what, message } of others) {
    const point = pointOfDocument(name)
    if (point !== undefined) found.damaged.push({ point, kind: 'unread', message: `${name} ${message}` })
    else if (what === 'unread') found.strangers.push(`${name} ${message}, and`)
  }
  return found
}

interface Reading<Document> {
  readonly state: RepositoryState
  readonly kind: Kind<Document>
  readonly signal: AbortSignal
}

async function readInto<Document>(
  found: ReadAll<Document>,
  point: string,
  { state, kind, signal }: Reading<Document>,
): Promise<void> {
  const name = kind.nameOf(point)
  let bytes: Buffer
  try {
    bytes = await readBlob(state.storage, name, signal)
  } catch (error) {
    // It was removed after it was listed.
    if (isFailure(error, 'notFound')) return
    const message = await whyUnread(state.storage, name, error, signal)
    found.damaged.push({ point, kind: isFailure(error, 'corrupt') ? 'corrupt' : 'unread', message })
    return
  }
  try {
    found.read.push(await kind.parse(state, point, bytes))
  } catch (error) {
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
