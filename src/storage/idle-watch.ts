import type { Clock } from '../core/ports.ts'

/** Ends a remote call that went silent. Only time spent waiting for the other side counts. */
export interface IdleWatch {
  /** Fires when the call was cancelled or went silent. */
  readonly signal: AbortSignal
  /** Whether it was silence that ended the call. */
  readonly isExpired: () => boolean
  /** The other side gave a sign of life, or waiting for it begins now. */
  readonly touch: () => void
  /** We are busy ourselves until the next `touch`. */
  readonly pause: () => void
  readonly stop: () => void
}

export function watchIdle(clock: Clock, limit: number, signal: AbortSignal): IdleWatch {
  const expired = new AbortController()
  const stopped = new AbortController()
  let since: number | undefined = clock.monotonic()
  const watch = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const left = since === undefined ? limit : limit - (clock.monotonic() - since)
      if (left <= 0) return expired.abort()
      await clock.sleep(left, stopped.signal)
    }
  }
  // The sleep rejects when `stop` is called, which is how a watch ends well.
  watch().catch(() => undefined)
  return {
    signal: AbortSignal.any([signal, expired.signal]),
    isExpired: () => expired.signal.aborted,
    touch: () => (since = clock.monotonic()),
    pause: () => (since = undefined),
    stop: () => stopped.abort(),
  }
}
