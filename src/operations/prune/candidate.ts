import type { PointId } from '../../core/restore-point.ts'
import type { RetentionCandidate } from '../../core/retention.ts'
import type { CatalogPoint } from '../../repository/repository.ts'
import { isImported } from '../import/remark.ts'
import { latestProof, standingOf } from '../proof/standing.ts'

/** A point of the catalog as the rules of retention see it. */
export function candidateOf(
  { point, commit, proofs, held }: CatalogPoint,
  inUse: ReadonlySet<PointId>,
): RetentionCandidate {
  const { failed, restored } = standingOf(commit, proofs)
  return {
    point,
    sequence: commit.sequence,
    created: Date.parse(commit.created),
    // What a dump held is no backup of what is live, however whole it is.
    good: commit.complete && failed === undefined && !isImported(commit),
    drilled: restored !== undefined && restored === latestProof(proofs, ['drill']),
    held,
    inUse: inUse.has(point),
  }
}
