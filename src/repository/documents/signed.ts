import { Failure } from '../../core/failure.ts'
import type { z } from 'zod'
import { readBlob } from '../points/blobs.ts'
import { sha256 } from './bytes.ts'
import {
  commitSchema,
  leaseSchema,
  proofSchema,
  tombstoneSchema,
  type Commit,
  type LeaseDocument,
  type Proof,
  type Tombstone,
} from './documents.ts'
import { verifyDocument, type PayloadType } from './dsse.ts'
import { decodeBase64 } from './encoding.ts'
import { commitName, leaseName, tombstoneName } from '../names.ts'
import { parseDocument } from './parse-document.ts'
import type { RepositoryState } from '../catalog/state.ts'

/** Reading the signed documents of a repository: signature, shape, and that each is where it belongs. */

export interface SignedCommit {
  readonly commit: Commit
  readonly sha256: string
  readonly signer: string
  /** The file as it is stored. */
  readonly bytes: Buffer
}

/** Fails with `notFound`, `denied` for an untrusted signer, `unsupported`, or `corrupt`. */
export async function readCommit(state: RepositoryState, point: string, signal: AbortSignal): Promise<SignedCommit> {
  return parseCommit(state, point, await readBlob(state.storage, commitName(point), signal))
}

export async function parseCommit(state: RepositoryState, point: string, bytes: Buffer): Promise<SignedCommit> {
  const { document: commit, signer } = await parseSigned<Commit>(
    state,
    { type: 'commit', schema: commitSchema, what: commitName(point), point },
    bytes,
  )
  const numbers = new Set(commit.artifacts.map(({ number }) => number))
  if (numbers.size === commit.artifacts.length) return { commit, sha256: sha256(bytes), signer, bytes }
  throw new Failure('corrupt', `${commitName(point)} names an artifact twice`)
}

export interface SignedTombstone {
  readonly tombstone: Tombstone
  readonly removed: SignedCommit
}

export async function readTombstone(
  state: RepositoryState,
  point: string,
  signal: AbortSignal,
): Promise<SignedTombstone> {
  return parseTombstone(state, point, await readBlob(state.storage, tombstoneName(point), signal))
}

export async function parseTombstone(state: RepositoryState, point: string, bytes: Buffer): Promise<SignedTombstone> {
  const name = tombstoneName(point)
  const { document: tombstone } = await parseSigned<Tombstone>(
    state,
    { type: 'tombstone', schema: tombstoneSchema, what: name, point },
    bytes,
  )
  return { tombstone, removed: await parseCommit(state, point, decodeBase64(tombstone.commit, `commit in ${name}`)) }
}

export async function parseProof(state: RepositoryState, name: string, point: string, bytes: Buffer): Promise<Proof> {
  const place = { type: 'proof', schema: proofSchema, what: name, point } as const
  return (await parseSigned<Proof>(state, place, bytes)).document
}

export async function readLease(
  state: RepositoryState,
  scope: string,
  generation: number,
  signal: AbortSignal,
): Promise<LeaseDocument> {
  const name = leaseName(scope, generation)
  const { document: lease } = await parseSigned<LeaseDocument>(
    state,
    { type: 'lease', schema: leaseSchema, what: name },
    await readBlob(state.storage, name, signal),
  )
  if (lease.scope === scope && lease.generation === generation) return lease
  throw misplaced(name)
}

interface Place<Output> {
  readonly type: PayloadType
  readonly schema: z.ZodType<Output>
  readonly what: string
  readonly point?: string
}

interface Signed<Output> {
  readonly document: Output
  readonly signer: string
}

async function parseSigned<Output extends { readonly repository: string; readonly point?: string }>(
  state: RepositoryState,
  place: Place<Output>,
  bytes: Buffer,
): Promise<Signed<Output>> {
  const { payload, signer } = await verifyDocument(place.type, bytes, state.trusted, place.what)
  const document = parseDocument(payload, place.schema, place.what)
  if (document.repository === state.id && document.point === place.point) return { document, signer }
  throw misplaced(place.what)
}

function misplaced(what: string): Failure {
  return new Failure('corrupt', `${what} belongs to another place`)
}
