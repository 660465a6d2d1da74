import type { RetentionCandidate } from '../../core/retention/retention.ts'

/** Something that removing a point by its name would take away, and the id by which it is done nevertheless. */
export interface Guard {
  readonly message: string
  /** Absent where nothing passes it. */
  readonly accept?: string
}

/** What protects a point. `points` are all of its app in one repository, with it, oldest first. */
export function guardsOf(
  one: RetentionCandidate,
  points: readonly RetentionCandidate[],
  minimum: number,
): readonly Guard[] {
  const guards: Guard[] = []
  if (one.held) guards.push({ message: 'it is held' })
  if (one.inUse) guards.push({ message: 'it is in use' })
  if (points.length === 1) guards.push({ message: 'it is the only restore point', accept: 'last-point' })
  const newest = (test: (candidate: RetentionCandidate) => boolean): boolean =>
    points.findLast(test)?.point === one.point
  if (newest(({ good }) => good)) guards.push({ message: 'it is the newest good one', accept: 'last-good' })
  if (newest(({ drilled }) => drilled) || newest(({ good, drilled }) => good && drilled))
    guards.push({ message: 'it is the newest one that was drilled', accept: 'last-drilled' })
  const good = points.filter((candidate) => candidate.good).length
  if (one.good && good <= minimum)
    guards.push({ message: `the minimum of ${minimum} good points would not be kept`, accept: 'under-minimum' })
  return guards
}

/** The oldest point that nothing protects: the first to go where there is no room left. */
export function oldestRemovable(
  points: readonly RetentionCandidate[],
  minimum: number,
): RetentionCandidate | undefined {
  return points.find((one) => guardsOf(one, points, minimum).length === 0)
}
