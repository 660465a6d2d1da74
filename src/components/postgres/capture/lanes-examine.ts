import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { BinaryRows } from '../connection/binary-rows.ts'
import { tableOf, type Lane } from './lanes.ts'

const TAB = 0x09
const NEWLINE = 0x0a

/**
 * Reads rows as COPY writes them to their end: every row must have as many values as the lane has columns, and the last
 * must end. Fails with `corrupt`.
 */
export async function examineRows(lane: Lane, rows: Bytes): Promise<void> {
  if (lane.format === 'binary') await examineBinary(lane, rows)
  else await examineText(lane, rows)
}

/** Values hold neither raw tabs nor raw newlines, COPY writes those as `\t` and `\n`. */
async function examineText(lane: Lane, rows: Bytes): Promise<void> {
  const separators = lane.columns.length - 1
  let inRow = 0
  let last = NEWLINE
  for await (const chunk of rows) {
    for (const byte of chunk) {
      if (byte === TAB) inRow += 1
      else if (byte === NEWLINE) {
        if (inRow !== separators) throw wrong(lane, `a row has ${inRow + 1} values for ${lane.columns.length} columns`)
        inRow = 0
      }
    }
    last = chunk.at(-1) ?? last
  }
  if (last !== NEWLINE) throw wrong(lane, 'they end in the middle of a row')
}

async function examineBinary(lane: Lane, rows: Bytes): Promise<void> {
  const reader = new BinaryRows(lane.columns.length)
  for await (const chunk of rows) {
    const mistake = reader.feed(chunk)
    if (mistake !== undefined) throw wrong(lane, mistake)
  }
  if (!reader.isWhole) throw wrong(lane, 'they end in the middle of a row')
}

function wrong(lane: Lane, what: string): Failure {
  return new Failure('corrupt', `rows of ${tableOf(lane)} (${lane.role}) cannot be loaded: ${what}`)
}
