import { Failure, isFailure } from '../../core/failure.ts'

const MARK = 'password'

/** What a locked private key answers to a password that is not its own. Other reasons to be denied are no such failure. */
export function wrongPassword(message: string, cause?: unknown): Failure {
  return new Failure('denied', message, {
    hint: 'Check the keyboard layout and Caps Lock; passwords are case-sensitive.',
    facts: { wrong: MARK },
    ...(cause === undefined ? {} : { cause }),
  })
}

export function isWrongPassword(error: unknown): boolean {
  return isFailure(error, 'denied') && error.facts['wrong'] === MARK
}
