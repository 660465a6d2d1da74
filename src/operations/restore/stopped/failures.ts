import { describe, Failure } from '../../../core/failure.ts'
import type { RestoreOrder } from '../order.ts'
import { wayBack } from '../next-step.ts'

/** What a failure says of the run that it stopped. */
export interface StoppedRun {
  readonly app: string
  /** The command of this restore and of its place. */
  readonly command: string
  readonly mode: RestoreOrder['mode']
  readonly safetyPoint: string | null
}

export function notOpen(run: StoppedRun, failure: Failure): Failure {
  return new Failure(failure.kind, `the restored data is live but not fully open: ${failure.message}`, {
    cause: failure,
    hint: `Run ${run.command} --continue.`,
  })
}

/** The same failure with the way out of a restore in place that had begun to write. */
export function mixed(run: StoppedRun, failure: Failure): Failure {
  const { kind, message, facts, hint = '' } = failure
  const back = repairMixed(run.app, run.safetyPoint)
  // What has to be agreed to is said nowhere else.
  const told = facts['accept'] === undefined ? back : `${back} ${hint}`
  return new Failure(kind, message, { facts, cause: failure, hint: told })
}

/** The same failure of a restore in place that wrote nothing. */
export function unchanged({ kind, message, facts, hint, cause }: Failure): Failure {
  const nothing = 'Nothing of the live data was changed.'
  return new Failure(kind, message, { facts, cause, hint: hint === undefined ? nothing : `${nothing} ${hint}` })
}

/** What to do when a restore in place was cut off while it wrote. */
export function repairMixed(app: string, safetyPoint: string | null): string {
  return `The live data may be a mixture of before and after. ${wayBack(app, safetyPoint)}`
}

/** Both reasons: why the restore stopped, and why what it had begun could not be taken back. */
export function unfinished(run: StoppedRun, failure: Failure, cause: unknown): Failure {
  return new Failure(
    failure.kind,
    `${failure.message}; and what was begun could not be taken back: ${describe(cause)}`,
    {
      cause,
      hint: `${failure.hint !== undefined && run.mode === 'in-place' ? failure.hint : 'The live data is as before.'} When what is named is repaired, run ${run.command} --abandon.`,
    },
  )
}
