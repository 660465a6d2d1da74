import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alternate, highest, median, repeat } from './rounds.ts'

test('each side warms up once, then they take turns at being first', async () => {
  const order: string[] = []
  const side = (name: string) => async () => order.push(name)
  const runs = await alternate(3, side('ours'), side('peer'))
  assert.deepEqual(order, ['ours', 'peer', 'ours', 'peer', 'peer', 'ours', 'ours', 'peer'])
  assert.deepEqual(runs, { ours: [3, 6, 7], peer: [4, 5, 8] })
})

test('the warm-up of a repeated run does not count', async () => {
  let runs = 0
  assert.deepEqual(await repeat(2, async () => ++runs), [2, 3])
  await assert.rejects(
    repeat(0, async () => ++runs),
    RangeError,
  )
})

test('the median is the middle, or the mean of the two in the middle', () => {
  assert.equal(median([7]), 7)
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([10, 1, 2, 5]), 3.5)
})

test('the highest of what is known', () => {
  assert.equal(highest([undefined, 3, 8, undefined]), 8)
  assert.equal(highest([undefined]), undefined)
})
