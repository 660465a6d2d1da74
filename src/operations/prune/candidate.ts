import type { PointId } from '../../core/restore-point.ts'
import type { RetentionCandidate } from '../../core/retention/retention.ts'
import type { Catalog, CatalogPoint } from '../../repository/repository.ts'
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

/** Points of which it is known that nobody can restore them. What could not be read may be whole. */
export function lostPoints({ damaged }: Pick<Catalog, 'damaged'>): readonly PointId[] {
  return damaged.filter(({ kind }) => kind !== 'unread').map(({ point }) => point)
}

/** The points of one app as the rules see them. Those that are lost are relied on no more, whatever their proofs say. */
export function candidatesOf(
  points: readonly CatalogPoint[],
  { inUse = new Set(), lost }: { readonly inUse?: ReadonlySet<PointId>; readonly lost: Iterable<PointId> },
): readonly RetentionCandidate[] {
  const isLost = new Set(lost)
  return points.map((point) => {
    const candidate = candidateOf(point, inUse)
    return isLost.has(point.point) ? { ...candidate, good: false, drilled: false } : candidate
  })
}
