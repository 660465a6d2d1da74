import { Failure } from '../../core/failure.ts'
import type { Clock } from '../../core/ports.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that only moves when a test moves it. */
export class FakeClock implements Clock {
  #monotonic = 0
  /** Add to this to set the wall clock without time passing. */
  wallOffset = Date.parse('2026-11-22T02:00:00.000Z')
  readonly #sleepers = new Set<Sleeper>()

  now(): Date {
    return new Date(this.wallOffset + this.#monotonic)
  }

  monotonic(): number {
    return this.#monotonic
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.#monotonic + milliseconds, wake: resolve }
      const cancel = (): void => reject(new Failure('cancelled', 'cancelled while waiting'))
      if (signal.aborted) return cancel()
      signal.addEventListener('abort', cancel, { once: true })
      this.#sleepers.add(sleeper)
    })
  }

  /** Lets time pass in steps, and what wakes up do its work in between. */
  async advance(milliseconds: number, step = 1000): Promise<void> {
    for (let left = milliseconds; left > 0; left -= step) {
      this.#monotonic += Math.min(step, left)
      this.#wakeUp()
      await settled()
    }
  }

  /** Lets time pass until the promise is settled, and gives what it gives; fails if it is not after `limit`. */
  async until<Result>(promise: Promise<Result>, limit = 600_000): Promise<Result> {
    const state = { isSettled: false }
    const end = (): void => void (state.isSettled = true)
    promise.then(end, end)
    for (let passed = 0; !state.isSettled && passed < limit; passed += 1000) await this.advance(1000)
    if (!state.isSettled) throw new Error(`still waiting after ${limit / 1000} s of the fake clock`)
    return promise
  }

  /** Time passes for the world, but nothing here runs: as when the process is stopped and continued. */
  skip(milliseconds: number): void {
    this.#monotonic += milliseconds
  }

  #wakeUp(): void {
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#monotonic) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}

/** Time for everything that waits for nothing but memory, or for the threads of Node's pool. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setTimeout(resolve, 1))
}
