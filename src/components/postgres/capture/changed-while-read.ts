import { describe, Failure, isFailure } from '../../../core/failure.ts'

/** A deadlock, a serialization failure, or something that was dropped between being listed and being read. */
const STATES = ['40P01', '40001', '42P01', '42703', '3F000']
const SAID =
  /deadlock detected|(?:lock|statement) timeout|could not obtain lock|could not serialize access|cache lookup failed for|could not open relation with OID|relation "[^\n]*" does not exist/

/** The failure of a capture; marked where reading again may go well, because others were changing what was read. */
export function asChangedWhileRead(error: unknown): unknown {
  if (!isFailure(error, 'toolFailed') || !isOfChange(error)) return error
  const { kind, message, facts, hint } = error
  const details = { cause: error, facts: { ...facts, again: true } }
  return new Failure(kind, message, {
    ...details,
    hint: hint ?? 'Something changes the definitions of the database while it is read. Run it again when that is done.',
  })
}

function isOfChange(error: Failure): boolean {
  return STATES.includes(String(error.facts['sqlState'])) || SAID.test(describe(error))
}
