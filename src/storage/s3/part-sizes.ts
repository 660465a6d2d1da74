import { MEBIBYTE } from './settings.ts'

/** S3 allows this many parts in an upload. */
export const MOST_PARTS = 10_000
const STEP = 1000
const SECOND = 64 * MEBIBYTE
const THIRD = 656 * MEBIBYTE

/**
 * How large part `index` (from 0) is. The length of a stream is unknown until it ended, so parts grow on the way: with
 * the 8 MiB of the settings, memory stays small up to 8 GB, and 10,000 parts still hold 5 TiB.
 */
export function partSizeAt(index: number, first: number): number {
  if (index < STEP) return first
  return Math.max(first, index < 2 * STEP ? SECOND : THIRD)
}

/** How many parts are under way at once; large ones one by one, as each is held in memory. */
export function partsInFlight(size: number): number {
  return size <= 16 * MEBIBYTE ? 2 : 1
}
