import { MEBIBYTE } from '../settings.ts'

/** S3 allows this many parts in an upload. */
export const MOST_PARTS = 10_000
const STEP = 1000
const SECOND = 64 * MEBIBYTE
const THIRD = 656 * MEBIBYTE

/**
 * How large part `index` (from 0) is. The length of a stream is unknown until it ended, so parts grow on the way: with
 * 5 MiB memory stays small up to 5 GB, and 10,000 parts still hold 5 TiB.
 */
export function partSizeAt(index: number, first: number): number {
  if (index < STEP) return first
  return Math.max(first, index < 2 * STEP ? SECOND : THIRD)
}

/** Uploads at once of which each may still have two parts under way. */
const FEW_UPLOADS = 2

/**
 * How many parts of an upload are under way at once while there are so many uploads; large ones one by one. Each is held in
 * memory, so several uploads share what one or two of them keep busy.
 */
export function partsInFlight(size: number, uploads: number): number {
  return size <= 16 * MEBIBYTE && uploads <= FEW_UPLOADS ? 2 : 1
}
