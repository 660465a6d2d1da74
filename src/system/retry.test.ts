import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../core/ports.ts'
import { systemClock } from './clock.ts'
import { doubling, retry, spreadDoubling, type RetryOptions } from './retry.ts'

const busy = new Error('busy')

/** Time passes only in pauses and attempts, so every one of them is known. */
function timed(options: Partial<RetryOptions> = {}) {
  const pauses: number[] = []
  let now = 0
  const clock: Clock = {
    now: () => new Date(now),
    monotonic: () => now,
    sleep: async (milliseconds) => {
      pauses.push(milliseconds)
      now += milliseconds
    },
  }
  const signal = new AbortController().signal
  return { pauses, options: { clock, signal, mayRetry: (error: unknown) => error === busy, ...options } }
}

function failing(times: number, error: Error = busy): (attempt: number) => Promise<number> {
  return (attempt) => (attempt <= times ? Promise.reject(error) : Promise.resolve(attempt))
}

test('an act is tried again until it succeeds, with the pauses that are asked for', async () => {
  const { pauses, options } = timed({ pause: doubling(100, 350) })
  assert.equal(await retry(failing(4), options), 5)
  assert.deepEqual(pauses, [100, 200, 350, 350])
})

test('no attempt begins after the limit, and the last begins at it', async () => {
  const { pauses, options } = timed({ pause: doubling(100, 1000), limit: 1000 })
  await assert.rejects(retry(failing(99), options), (error) => error === busy)
  assert.deepEqual(pauses, [100, 200, 400, 300])
})

test('a limit of nothing is one attempt, and so is an error that is final', async () => {
  for (const [act, more] of [
    [failing(1), { limit: 0 }],
    [failing(1, new Error('wrong')), {}],
    [failing(1), { attempts: 1 }],
  ] as const) {
    const { pauses, options } = timed(more)
    await assert.rejects(retry(act, options), /busy|wrong/)
    assert.deepEqual(pauses, [])
  }
})

test('attempts are counted with the first, and each that fails but the last is told', async () => {
  const told: number[] = []
  const { options } = timed({ attempts: 3, onRetry: (_error, failed) => told.push(failed) })
  assert.equal(await retry(failing(2), options), 3)
  await assert.rejects(retry(failing(3), options), (error) => error === busy)
  assert.deepEqual(told, [1, 2, 1, 2])
})

test('a cancelled pause ends at once and says so', async () => {
  const stop = new AbortController()
  const options = { clock: systemClock, signal: stop.signal, mayRetry: () => true, pause: () => 60_000 }
  const waiting = retry(failing(99), options)
  setImmediate(() => stop.abort())
  await assert.rejects(waiting, { kind: 'cancelled' })
})

test('what succeeded although it was cancelled has succeeded', async () => {
  const stop = new AbortController()
  const act = async (): Promise<string> => {
    stop.abort()
    return 'done'
  }
  assert.equal(await retry(act, { clock: systemClock, signal: stop.signal, mayRetry: () => true }), 'done')
})

test('pauses that are spread are once to twice as long, and no longer than the longest', () => {
  const pause = spreadDoubling(100, 150)
  const pauses = Array.from({ length: 100 }, () => pause(1))
  assert.ok(pauses.every((milliseconds) => milliseconds >= 100 && milliseconds <= 150))
  assert.ok(new Set(pauses).size > 1)
})
