import { mayRetry } from '../../core/failure.ts'
import { watchIdle } from '../idle-watch.ts'
import { cancelled } from '../outcomes.ts'
import { FIRST_RETRIES, repeat } from '../repeat.ts'
import type { Connection } from './connection.ts'
import { s3Failure } from './failures.ts'

export interface RequestOptions {
  /** For messages: `put data/1`. */
  readonly act: string
  readonly signal: AbortSignal
  /** How many bytes the request carries; it is given the time that a slow line needs for them. */
  readonly bytes?: number
}

/** One attempt at a request. An earlier attempt may have been carried out although its answer was lost. */
export type Attempt<Answer> = (abortSignal: AbortSignal) => Promise<Answer>

/**
 * Makes a request, again when it failed in a way that may pass, each attempt within its time limit.
 * Fails with the failure of the last attempt, or `cancelled`. What `attempt` throws as a Failure is taken as it is.
 */
export async function request<Answer>(
  connection: Connection,
  options: RequestOptions,
  attempt: Attempt<Answer>,
): Promise<Answer> {
  const { limits } = connection
  const { act, signal } = options
  try {
    const { firstPause } = limits
    const retries = connection.contact.answered ? limits.retries : Math.min(limits.retries, FIRST_RETRIES)
    const repetition = { signal, retries, firstPause, mayRetry, say: connection.warn }
    return await repeat(() => once(connection, options, attempt), repetition)
  } catch (error) {
    if (signal.aborted) throw cancelled(act, error)
    throw error
  }
}

async function once<Answer>(
  connection: Connection,
  options: RequestOptions,
  attempt: Attempt<Answer>,
): Promise<Answer> {
  const { clock, limits, location } = connection
  const limit = limits.idle + ((options.bytes ?? 0) / limits.slowest) * 1000
  const watch = watchIdle(clock, limit, options.signal)
  try {
    const answer = await attempt(watch.signal)
    connection.contact.answered = true
    return answer
  } catch (error) {
    if (options.signal.aborted) throw cancelled(options.act, error)
    const cause = watch.isExpired()
      ? Object.assign(new Error(`no answer for ${Math.round(limit / 1000)} s`), { name: 'TimeoutError' })
      : error
    throw s3Failure(cause, options.act, location)
  } finally {
    watch.stop()
  }
}
