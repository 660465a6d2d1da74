import { describe } from '../core/failure.ts'
import { systemClock } from '../system/clock.ts'
import { retry, spreadDoubling } from '../system/retry.ts'

/** Repetitions for a storage that has not answered yet: some ten seconds, since its address may be wrong. */
export const FIRST_RETRIES = 4
/** For one that has: about four minutes, in which most servers have started again and most networks are back. */
export const LATER_RETRIES = 27

const LONGEST_PAUSE = 10_000
/** A storage that is silent takes much longer for each attempt than one that refuses. */
const LIMIT = 240_000
/** With the pauses before it, this attempt fails after half a dozen seconds. */
const TOLD_ATTEMPT = 4

export interface Repetition {
  readonly signal: AbortSignal
  /** How often the call is made again. */
  readonly retries: number
  /** Wait before the first repetition, in milliseconds; it doubles from one to the next, to ten seconds. */
  readonly firstPause: number
  /** Milliseconds after which no attempt begins. */
  readonly limit?: number
  readonly mayRetry: (error: unknown) => boolean
  /** Told once when it takes long. */
  readonly say: (message: string) => void
}

/** Makes a call again until it succeeds, fails for good, or has been made often enough; then fails as it did last. */
export function repeat<Result>(call: (attempt: number) => Promise<Result>, repetition: Repetition): Promise<Result> {
  const { signal, retries, firstPause, limit = LIMIT, mayRetry, say } = repetition
  return retry(call, {
    clock: systemClock,
    signal,
    limit,
    attempts: retries + 1,
    pause: spreadDoubling(firstPause, LONGEST_PAUSE),
    mayRetry,
    onRetry: (error, failed) => {
      if (failed === TOLD_ATTEMPT && retries > failed) say(`${describe(error)}; it is tried again for some minutes`)
    },
  })
}
