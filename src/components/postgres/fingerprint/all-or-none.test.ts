import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { systemClock } from '../../../system/clock.ts'
import { directEffects } from '../../../system/effects.ts'
import { allOrNone } from './all-or-none.ts'

function contextWith(signal: AbortSignal): Context {
  return { clock: systemClock, effects: directEffects, signal, progress: () => {} }
}

const context = contextWith(new AbortController().signal)

test('gives all results in their places', async () => {
  assert.deepEqual(await allOrNone(context, [async () => 1, async () => 'two']), [1, 'two'])
})

test('the first failure cancels the others, is thrown, and only when they have ended', async () => {
  const ended: string[] = []
  const reason = new Failure('toolFailed', 'first')
  const waits = async ({ clock, signal }: Context): Promise<void> => {
    try {
      await clock.sleep(10_000, signal)
    } finally {
      await clock.sleep(20, context.signal)
      ended.push('waiting')
    }
  }
  await assert.rejects(allOrNone(context, [waits, () => Promise.reject(reason)]), (error) => error === reason)
  assert.deepEqual(ended, ['waiting'])
})

test('a cancellation is one, whatever the acts made of it', async () => {
  const controller = new AbortController()
  const lost = async ({ clock, signal }: Context): Promise<void> => {
    await clock.sleep(10_000, signal).catch(() => {
      throw new Failure('unreachable', 'session lost')
    })
  }
  setTimeout(() => controller.abort(), 10)
  await assert.rejects(
    allOrNone(contextWith(controller.signal), [lost]),
    (error) => error instanceof Failure && error.kind === 'cancelled',
  )
})
