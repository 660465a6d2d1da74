import pMap from 'p-map'
import { isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { OtherEntry } from '../../storage/storage.ts'
import { createBlob, readBlob } from './blobs.ts'
import type { Proof, ProofKind } from '../documents/documents.ts'
import { signDocument } from '../documents/dsse.ts'
import { entriesOf, whyUnread } from './entries.ts'
import { parseProofName, PROOFS, proofName, type ProofPlace } from '../names.ts'
import type { PointCommit } from '../repository.ts'
import { parseProof, readCommit } from '../documents/signed.ts'
import { signerOf, type RepositoryState } from '../catalog/state.ts'

const READ_AT_ONCE = 32

export interface ProofOutcome {
  readonly ok: boolean
  readonly facts: Proof['facts']
}

/** Stores a signed proof about the commit as it is now. */
export async function prove(
  state: RepositoryState,
  point: string,
  kind: ProofKind,
  outcome: ProofOutcome,
  context: Context,
): Promise<Proof> {
  signerOf(state)
  const { commit, sha256 } = await readCommit(state, point, context.signal)
  const { name, bytes, proof } = signProof(state, { commit, commitSha256: sha256 }, kind, outcome, context)
  await createBlob(state.storage, name, bytes, context.signal)
  return proof
}

export interface SignedProof {
  readonly name: string
  readonly bytes: Buffer
  readonly proof: Proof
}

/** A proof about this commit, ready to be stored. Fails with `usage` where there is no signing key. */
export function signProof(
  state: RepositoryState,
  { commit: { point }, commitSha256 }: PointCommit,
  kind: ProofKind,
  outcome: ProofOutcome,
  context: Context,
): SignedProof {
  const signer = signerOf(state)
  const created = context.clock.now()
  const proof: Proof = {
    format: 1,
    repository: state.id,
    point,
    kind,
    created: created.toISOString(),
    software: state.software,
    ok: outcome.ok,
    commitSha256,
    facts: outcome.facts,
  }
  return { name: proofName(point, created, kind), bytes: signDocument('proof', proof, signer), proof }
}

/** All proofs about one point, oldest first, and whether it is held. */
export interface PointProofs {
  readonly proofs: readonly Proof[]
  readonly held: boolean
}

export interface ReadProofs {
  /** `bornHeld`: the commit itself holds the point, until a release. */
  of(point: string, commitSha256: string, bornHeld?: boolean): PointProofs
  /** What was wrong with proofs that do not count. */
  readonly alarms: readonly string[]
  /** Those of the alarms that say nothing of a proof: it could not be read. */
  readonly unread: readonly string[]
  /** The names of all that hold a point. */
  readonly holds: readonly string[]
}

interface FoundProof extends ProofPlace {
  /** Undefined when it cannot be read; `reason` says why. */
  readonly proof: Proof | undefined
  readonly reason?: string
  readonly isUnread?: boolean
}

/** Reads the proofs of these points: one listing, and one read for each proof. Those kept on this machine count as well. */
export async function readProofs(
  state: RepositoryState,
  points: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadProofs> {
  const { names, others } = await entriesOf(state.storage, PROOFS, signal)
  const kept = await state.memory.keptProofs(state.id)
  const read = (name: string) => (): Promise<Buffer> => readBlob(state.storage, name, signal)
  const all = [
    ...names.map((name) => ({ name, read: read(name) })),
    ...kept.proofs
      .filter(({ name }) => !names.includes(name))
      .map(({ name, bytes }) => ({ name, read: () => Promise.resolve(bytes) })),
  ]
  const places = all.flatMap(({ name, read }) => {
    const place = parseProofName(name)
    return place === undefined || !points.has(place.point) ? [] : [{ name, place, read }]
  })
  const tried = await pMap(places, ({ name, place, read }) => tryProof(state, { name, place, read }, signal), {
    concurrency: READ_AT_ONCE,
  })
  const found = [...tried, ...others.flatMap(unreadProof)]
  const byPoint = Map.groupBy(found, ({ point }) => point)
  return {
    of: (point, commitSha256, bornHeld) => proofsOf(byPoint.get(point) ?? [], commitSha256, bornHeld),
    alarms: [...found.flatMap(({ reason }) => reason ?? []), ...kept.unread],
    unread: found.flatMap(({ reason, isUnread }) => (isUnread === true ? (reason ?? []) : [])),
    holds: places.filter(({ place }) => place.kind === 'hold').map(({ name }) => name),
  }
}

async function tryProof(
  state: RepositoryState,
  { name, place, read }: { readonly name: string; readonly place: ProofPlace; readonly read: () => Promise<Buffer> },
  signal: AbortSignal,
): Promise<FoundProof> {
  let bytes: Buffer
  try {
    bytes = await read()
  } catch (error) {
    const reason = await whyUnread(state.storage, name, error, signal)
    return { ...place, proof: undefined, reason, isUnread: !isFailure(error, 'corrupt') }
  }
  try {
    const proof = await parseProof(state, name, place.point, bytes)
    return proof.kind === place.kind
      ? { ...place, proof }
      : { ...place, proof: undefined, reason: `${name} is a proof of another kind` }
  } catch (error) {
    return { ...place, proof: undefined, reason: await whyUnread(state.storage, name, error, signal) }
  }
}

/** Something in the place of a proof, or a folder of proofs that cannot be read: a hold may be among them. */
function unreadProof({ name, what, message }: OtherEntry): FoundProof[] {
  const reason = `${name} ${message}`
  const place = parseProofName(name)
  if (place !== undefined) return [{ ...place, proof: undefined, reason, isUnread: true }]
  const point = name.slice(PROOFS.length)
  if (what !== 'unread') return []
  return [{ point, kind: 'hold', claimed: END_OF_TIME, proof: undefined, reason, isUnread: true }]
}

const END_OF_TIME = new Date(8.64e15)

function proofsOf(found: readonly FoundProof[], commitSha256: string, bornHeld = false): PointProofs {
  const about = found.filter(({ proof }) => proof === undefined || proof.commitSha256 === commitSha256)
  const proofs = about.flatMap(({ proof }) => proof ?? []).sort((a, b) => Date.parse(a.created) - Date.parse(b.created))
  // A hold that cannot be read still holds: a damaged file must not be what lets a point be removed.
  return {
    proofs,
    held: latest(about, 'hold') >= latest(about, 'release') && (bornHeld || about.some(({ kind }) => kind === 'hold')),
  }
}

/** The name of a proof is not signed, so its time counts only for what cannot be read, and only in favour of a hold. */
function latest(found: readonly FoundProof[], kind: 'hold' | 'release'): number {
  const times = found
    .filter((candidate) => candidate.kind === kind)
    .map(({ proof, claimed }) =>
      proof === undefined ? (kind === 'hold' ? claimed.getTime() : -Infinity) : Date.parse(proof.created),
    )
  return Math.max(-Infinity, ...times)
}
