import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, isFailure } from '../core/failure.ts'
import { repeat, type Repetition } from './repeat.ts'

const lost = new Failure('unreachable', 'the connection broke')

function repetition(more: Partial<Repetition> = {}): Repetition & { readonly said: string[] } {
  const said: string[] = []
  const mayRetry = (error: unknown): boolean => isFailure(error, 'unreachable')
  const say = (message: string): void => void said.push(message)
  return { signal: new AbortController().signal, retries: 20, firstPause: 1, mayRetry, say, said, ...more }
}

/** Fails as often as it is told, and each time takes so many milliseconds. */
function failing(times: number, error: Failure = lost, milliseconds = 0) {
  const state = { attempts: 0 }
  const call = async (): Promise<string> => {
    state.attempts += 1
    await sleep(milliseconds)
    if (state.attempts <= times) throw error
    return 'done'
  }
  return { state, call }
}

test('what takes long is told once, and what succeeds soon is not', async () => {
  const long = repetition()
  assert.equal(await repeat(failing(7).call, long), 'done')
  assert.deepEqual(long.said, ['the connection broke; it is tried again for some minutes'])
  const short = repetition()
  assert.equal(await repeat(failing(3).call, short), 'done')
  assert.deepEqual(short.said, [])
})

test('a storage that is silent is not waited for as often as one that refuses', async () => {
  const silent = failing(20, lost, 40)
  await assert.rejects(repeat(silent.call, repetition({ limit: 100 })), { kind: 'unreachable' })
  assert.ok(silent.state.attempts <= 4, `${silent.state.attempts} attempts`)
})

test('what cannot pass is not tried again, and nothing is told', async () => {
  const wrong = failing(20, new Failure('denied', 'wrong key'))
  const options = repetition()
  await assert.rejects(repeat(wrong.call, options), { kind: 'denied' })
  assert.deepEqual([wrong.state.attempts, options.said], [1, []])
})
