import assert from 'node:assert/strict'
import { test } from 'node:test'
import { automaticLanes, sessionsFor } from './lane-count.ts'

test('lanes follow the cores within bounds, and give way to other work', () => {
  const lanes = [1, 2, 3, 4, 64].map((cores) => automaticLanes(cores, 0))
  assert.deepEqual(lanes, [2, 2, 3, 4, 4])
  assert.deepEqual(
    [1, 2, 4, 6, 500].map((busy) => automaticLanes(8, busy)),
    [4, 3, 2, 1, 1],
  )
})

test('one lane is read beside one other session, more beside two', () => {
  assert.deepEqual(sessionsFor(1), { all: 2, readers: 1 })
  assert.deepEqual(sessionsFor(2), { all: 4, readers: 2 })
  assert.deepEqual(sessionsFor(4), { all: 6, readers: 2 })
})
