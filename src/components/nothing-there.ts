import { Failure, isFailure, type FailureDetails } from '../core/failure.ts'

/**
 * The failure of a capture because all that it would read does not exist: a lost database, a removed folder. A restore
 * over it has nothing to save first. A program, a password or a part that is not found is another failure.
 */
export function nothingThere(message: string, details: FailureDetails = {}): Failure {
  return new Failure('notFound', message, { ...details, facts: { ...details.facts, nothingThere: true } })
}

export function isNothingThere(error: unknown): boolean {
  return isFailure(error, 'notFound') && error.facts['nothingThere'] === true
}
