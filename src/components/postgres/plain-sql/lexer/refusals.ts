import { Failure } from '../../../../core/failure.ts'

/** Byte offsets are those of the plain SQL text: of the decompressed file, and of what pg_restore makes of an archive. */

const OTHER_COPY =
  'Use another copy of the dump, or make it again: pg_dump --format=custom tells of a cut-off file by itself.'

const UNUSUAL = 'pg_dump and pg_dumpall do not write this. Look at the file there before you trust any of it.'

/** The dump ends too early or is damaged. */
export function cutOff(offset: number, what: string): Failure {
  return new Failure('corrupt', `byte ${offset}: ${what}`, { facts: { byteOffset: offset }, hint: OTHER_COPY })
}

/** The dump holds what no dump needs. */
export function refusedAt(offset: number, what: string, hint = UNUSUAL): Failure {
  return new Failure('refused', `byte ${offset}: ${what}`, { facts: { byteOffset: offset }, hint })
}
