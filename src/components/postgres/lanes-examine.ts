import { Failure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import { tableOf, type Lane } from './lanes.ts'

const TAB = 0x09
const NEWLINE = 0x0a

/**
 * Reads rows in COPY's text format to their end: every row must have as many values as the lane has columns, and the
 * last must end. Values hold neither raw tabs nor raw newlines, COPY writes those as `\t` and `\n`. Fails with `corrupt`.
 */
export async function examineRows(lane: Lane, rows: Bytes): Promise<void> {
  const separators = lane.columns.length - 1
  let inRow = 0
  let last = NEWLINE
  for await (const chunk of rows) {
    for (const byte of chunk) {
      if (byte === TAB) inRow += 1
      else if (byte === NEWLINE) {
        if (inRow !== separators) throw wrongRow(lane, inRow + 1)
        inRow = 0
      }
    }
    last = chunk.at(-1) ?? last
  }
  if (last !== NEWLINE)
    throw new Failure('corrupt', `rows of ${tableOf(lane)} (${lane.role}) end in the middle of a row`)
}

function wrongRow(lane: Lane, values: number): Failure {
  return new Failure(
    'corrupt',
    `a row of ${tableOf(lane)} (${lane.role}) has ${values} values for ${lane.columns.length} columns`,
  )
}
