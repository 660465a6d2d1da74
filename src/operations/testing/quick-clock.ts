import type { Clock } from '../../core/ports.ts'

/** A clock that is there at once, and does something each time that somebody waits. */
export function quickClock(clock: Clock, onSleep: () => Promise<void> = () => Promise.resolve()): Clock {
  let passed = 0
  return {
    now: () => clock.now(),
    monotonic: () => passed,
    async sleep(milliseconds) {
      passed += milliseconds
      await onSleep()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
