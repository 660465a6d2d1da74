import pMap from 'p-map'
import { isFailure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'
import { createBlob, namesOf } from './blobs.ts'
import type { Proof, ProofKind } from './documents.ts'
import { signDocument } from './dsse.ts'
import { parseProofName, PROOFS, proofName, type ProofPlace } from './names.ts'
import { readCommit, readProof } from './signed.ts'
import { signerOf, type RepositoryState } from './state.ts'

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
  const signer = signerOf(state)
  const { sha256 } = await readCommit(state, point, context.signal)
  const created = context.clock.now()
  const proof: Proof = {
    format: 1,
    repository: state.id,
    point,
    kind,
    created: created.toISOString(),
    software: state.software,
    ok: outcome.ok,
    commitSha256: sha256,
    facts: outcome.facts,
  }
  await createBlob(state.storage, proofName(point, created, kind), signDocument('proof', proof, signer), context.signal)
  return proof
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
}

interface FoundProof extends ProofPlace {
  /** Undefined when it cannot be read; `reason` says why. */
  readonly proof: Proof | undefined
  readonly reason?: string
}

/** Reads the proofs of these points: one listing, and one read for each proof. */
export async function readProofs(
  state: RepositoryState,
  points: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadProofs> {
  const names = await namesOf(state.storage, PROOFS, signal)
  const places = names.flatMap((name) => {
    const place = parseProofName(name)
    return place === undefined || !points.has(place.point) ? [] : [{ name, place }]
  })
  const found = await pMap(places, ({ name, place }) => tryProof(state, name, place, signal), {
    concurrency: READ_AT_ONCE,
  })
  const byPoint = Map.groupBy(found, ({ point }) => point)
  return {
    of: (point, commitSha256, bornHeld) => proofsOf(byPoint.get(point) ?? [], commitSha256, bornHeld),
    alarms: found.flatMap(({ reason }) => reason ?? []),
  }
}

async function tryProof(
  state: RepositoryState,
  name: string,
  place: ProofPlace,
  signal: AbortSignal,
): Promise<FoundProof> {
  try {
    const proof = await readProof(state, name, place.point, signal)
    return proof.kind === place.kind
      ? { ...place, proof }
      : { ...place, proof: undefined, reason: `${name} is a proof of another kind` }
  } catch (error) {
    if (!isFailure(error, 'corrupt') && !isFailure(error, 'denied') && !isFailure(error, 'unsupported')) throw error
    return { ...place, proof: undefined, reason: error.message }
  }
}

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
