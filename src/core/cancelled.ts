import { Failure, toFailure } from './failure.ts'

/**
 * What ended an act. Once its signal has fired, whatever comes up is the cancellation: a session that was closed for it
 * reads like a server that is gone, a tool that was ended like one that failed.
 */
export function toFailureUnder(error: unknown, signal: AbortSignal): Failure {
  const failure = toFailure(error)
  if (!signal.aborted || failure.kind === 'cancelled') return failure
  const { message, hint, facts } = failure
  return new Failure('cancelled', message === 'cancelled' ? message : `cancelled: ${message}`, {
    cause: error,
    facts,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** Lets nobody pass over, or report as a finding, what is only the cancellation. */
export function throwIfCancelled(error: unknown, signal: AbortSignal): void {
  const failure = toFailureUnder(error, signal)
  if (failure.kind === 'cancelled') throw failure
}
