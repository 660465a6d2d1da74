import type { PointId } from '../../core/restore-point.ts'
import type { RetentionCandidate } from '../../core/retention.ts'
import type { Proof, ProofKind } from '../../repository/documents.ts'
import type { CatalogPoint } from '../../repository/repository.ts'
import { isImported } from '../import/remark.ts'

/** A point of the catalog as the rules of retention see it. */
export function candidateOf(
  { point, commit, proofs, held }: CatalogPoint,
  inUse: ReadonlySet<PointId>,
): RetentionCandidate {
  // A later verify does not take back that a drill failed: it never restored anything.
  const isDisproved =
    latestProof(proofs, ['drill'])?.ok === false || latestProof(proofs, ['verify', 'drill'])?.ok === false
  return {
    point,
    sequence: commit.sequence,
    created: Date.parse(commit.created),
    // What a dump held is no backup of what is live, however whole it is.
    good: commit.complete && !isDisproved && !isImported(commit),
    drilled: latestProof(proofs, ['drill'])?.ok === true,
    held,
    inUse: inUse.has(point),
  }
}

/** The newest proof of these kinds. Of two from one moment the failed one counts. */
export function latestProof(proofs: readonly Proof[], kinds: readonly ProofKind[]): Proof | undefined {
  return proofs
    .filter(({ kind }) => kinds.includes(kind))
    .reduce<Proof | undefined>(
      (latest, proof) => (latest === undefined || outranks(proof, latest) ? proof : latest),
      undefined,
    )
}

function outranks(proof: Proof, other: Proof): boolean {
  const difference = Date.parse(proof.created) - Date.parse(other.created)
  return difference > 0 || (difference === 0 && !proof.ok)
}
