import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gate } from './gate.ts'

test('never more than the limit run, all get their turn, and a failure gives its place back', async () => {
  const enter = gate(2)
  let running = 0
  let most = 0
  const act = async (index: number): Promise<number> => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    if (index % 3 === 0) throw new Error('failed')
    return index
  }
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => enter(() => act(index))))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 6)
  assert.equal(most, 2)
  assert.equal(await enter(() => act(1)), 1)
})
