import pRetry from 'p-retry'
import type { Clock } from '../core/ports.ts'

export interface RetryOptions {
  readonly clock: Clock
  /** Ends a pause with `cancelled`; ending the act itself is the act's own matter. */
  readonly signal: AbortSignal
  /** Milliseconds after which no attempt begins. The last pause is cut to it. Unlimited when absent. */
  readonly limit?: number
  /** The most attempts, the first among them. Unlimited when absent. */
  readonly attempts?: number
  /** Milliseconds before the next attempt, after so many failed. None when absent. */
  readonly pause?: (failed: number) => number
  readonly mayRetry: (error: unknown) => boolean
  /** Told before each pause. */
  readonly onRetry?: (error: unknown, failed: number) => void
}

/** Does it again until it succeeds, fails for good, or has failed too long or too often; then fails as it did last. */
export function retry<Result>(act: (attempt: number) => Promise<Result>, options: RetryOptions): Promise<Result> {
  const { clock, signal, limit = Infinity, attempts = Infinity, pause = () => 0, mayRetry, onRetry } = options
  const deadline = clock.monotonic() + limit
  return pRetry(act, {
    retries: attempts - 1,
    // The pauses are ours, below: the library knows neither our clock nor what a cancellation is called here.
    minTimeout: 0,
    shouldRetry: async ({ error, attemptNumber }) => {
      const left = deadline - clock.monotonic()
      if (left <= 0 || !mayRetry(error)) return false
      onRetry?.(error, attemptNumber)
      await clock.sleep(Math.min(pause(attemptNumber), left), signal)
      return true
    },
  })
}

/** Pauses that double from the first to the longest. */
export function doubling(first: number, longest: number): (failed: number) => number {
  return (failed) => Math.min(first * 2 ** (failed - 1), longest)
}

/** The same, each up to twice as long: those who failed together do not come again together. */
export function spreadDoubling(first: number, longest: number): (failed: number) => number {
  return (failed) => Math.min(first * 2 ** (failed - 1) * (1 + Math.random()), longest)
}
