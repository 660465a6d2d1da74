import { Failure } from '../../core/failure.ts'
import { toFailureUnder } from '../../core/cancelled.ts'
import type { Context } from '../../core/ports.ts'

/** Runs `act` under a signal that also fires after so many milliseconds; it is `unreachable` then. */
export async function within<Result>(
  milliseconds: number,
  what: string,
  context: Context,
  act: (context: Context) => Promise<Result>,
): Promise<Result> {
  const limit = new AbortController()
  const over = new Failure('unreachable', `${what} did not answer within ${milliseconds / 1000} s`)
  const ended = Promise.withResolvers<never>()
  const signal = AbortSignal.any([context.signal, limit.signal])
  const stop = (): void =>
    ended.reject(context.signal.aborted ? toFailureUnder(context.signal.reason, context.signal) : over)
  signal.addEventListener('abort', stop, { once: true })
  const timer = setTimeout(() => limit.abort(over), milliseconds)
  try {
    if (signal.aborted) stop()
    return await Promise.race([act({ ...context, signal }), ended.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
