import { tableOf, type Lane } from '../../capture/lanes.ts'

/** What one session loads at a time. */
export interface LaneBatch {
  readonly lanes: readonly Lane[]
  /** Whether these are all rows of their table: then it is loaded in one transaction, frozen. */
  readonly isWhole: boolean
}

/**
 * Pure: who loads what, the largest first. A table that is no more than its share of the work is left to one session, which
 * can load it frozen; a larger one is loaded by several at once, lane by lane.
 */
export function planBatches(
  lanes: readonly Lane[],
  sizeOf: (role: string) => number,
  jobs: number,
): readonly LaneBatch[] {
  const bytesOf = (some: readonly Lane[]): number => some.reduce((sum, { role }) => sum + sizeOf(role), 0)
  const share = bytesOf(lanes) / jobs
  return [...Map.groupBy(lanes, tableOf).values()]
    .flatMap((whole) =>
      bytesOf(whole) <= share || jobs === 1
        ? [{ lanes: whole, isWhole: true }]
        : whole.map((lane) => ({ lanes: [lane], isWhole: false })),
    )
    .toSorted((one, other) => bytesOf(other.lanes) - bytesOf(one.lanes))
}
