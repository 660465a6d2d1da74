import { Failure } from '../core/failure.ts'
import { rangeOutside } from './outcomes.ts'
import type { BlobInfo, ByteRange } from './storage.ts'

/** A range with both ends known: the first byte and the byte after the last. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Fails with `usage` unless offset and length are whole numbers from 0. */
export function assertRange(range: ByteRange | undefined): void {
  for (const value of [range?.offset ?? 0, range?.length ?? 0]) {
    if (!Number.isSafeInteger(value) || value < 0) throw new Failure('usage', `byte range with ${value} is not allowed`)
  }
}

/** The bytes of a blob that a range means. Fails with `corrupt` when they are not all there. */
export function spanOf(blob: Pick<BlobInfo, 'name' | 'size'>, range: ByteRange | undefined, location: string): Span {
  assertRange(range)
  const start = range?.offset ?? 0
  const end = range?.length === undefined ? blob.size : start + range.length
  if (start > blob.size || end > blob.size) throw rangeOutside(blob.name, location, blob.size)
  return { start, end }
}
