import { Failure } from '../../../../core/failure.ts'
import { sqlState } from '../target/database-target.ts'

export const KEPT_IN_PREVIOUS =
  'The live rows then stay in the previous database only, until it is forgotten (keepPreviousHours).'
export const CARRY_NONE = `Or --accept without-live-rows restores such tables without their live rows. ${KEPT_IN_PREVIOUS}`

/** The live rows of a table cannot go into the restored database. Nothing live was changed. */
export function cannotCarry(table: string, why: string, hint: string, cause?: unknown): Failure {
  return new Failure('refused', `the live rows of ${table} cannot be carried into the restored database: ${why}`, {
    hint: `${hint} ${CARRY_NONE}`,
    facts: { accept: 'without-live-rows' },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** What the server says of rows or definitions is a refusal with a way on; a lost session or a missing right stays what it is. */
export async function orCannotCarry<Result>(table: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    const failed = error instanceof Failure && error.kind === 'toolFailed' && /^(?:2|42|0A)/.test(sqlState(error))
    if (!failed) throw error
    throw cannotCarry(table, error.message, 'Change the live rows so that they fit, and restore again.', error)
  }
}
