import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../core/failure.ts'
import type { Clock } from '../core/ports.ts'

/** The machine's clock; the only place that reads it. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await sleep(milliseconds, undefined, { signal })
    } catch (cause) {
      throw new Failure('cancelled', 'cancelled while waiting', { cause })
    }
  },
}
