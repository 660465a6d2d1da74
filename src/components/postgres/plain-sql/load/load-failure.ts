import { describe, Failure, isFailure } from '../../../../core/failure.ts'
import { sqlFailure } from '../../connection/query.ts'
import { sqlState } from '../../restore/target/database-target.ts'
import type { Statement } from '../lexer/pieces.ts'

const NEEDS_TRUST =
  'Only a superuser may do that. If you trust whoever made the dump as you trust yourself, import it with --accept trust-dump, which loads it as one.'
const NO_DEFINITIONS =
  'pg_dump --data-only and --section write such dumps. Make one that has the definitions and the rows.'

/** Why a statement of a dump was not taken, with the byte where it begins. */
export function failureAt({ offset, words }: Statement, error: unknown): Failure {
  if (isFailure(error, 'corrupt') || isFailure(error, 'cancelled') || isFailure(error, 'refused')) return error
  if (error instanceof Error && error.name === 'AbortError')
    return new Failure('cancelled', 'cancelled', { cause: error })
  const failure = sqlFailure(error)
  const what = words.slice(0, 2).join(' ').toUpperCase()
  return new Failure(
    failure.kind,
    `byte ${offset}: PostgreSQL did not take the ${what} statement: ${describe(error)}`,
    {
      cause: error,
      facts: { ...failure.facts, byteOffset: offset, ...(failure.kind === 'denied' ? { accept: 'trust-dump' } : {}) },
      hint: hintFor(failure, words, error),
    },
  )
}

function hintFor({ kind }: Failure, [first]: Statement['words'], error: unknown): string {
  if (kind === 'denied') return NEEDS_TRUST
  if (sqlState(error) === '42P01' && (first === 'copy' || first === 'insert')) return NO_DEFINITIONS
  return 'The dump does not restore. Make it again, or repair the statement there.'
}
