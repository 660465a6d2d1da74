import assert from 'node:assert/strict'
import { test } from 'node:test'
import { automaticLanes, automaticPace } from './pace.ts'

test('lanes follow the cores within bounds, and give way to other work', () => {
  const lanes = [1, 2, 3, 4, 64].map((cores) => automaticLanes(cores, 0))
  assert.deepEqual(lanes, [2, 2, 3, 4, 4])
  assert.deepEqual(
    [1, 2, 4, 6, 500].map((busy) => automaticLanes(8, busy)),
    [4, 3, 2, 1, 1],
  )
})

test('the fingerprint waits for the lanes as soon as one is given up for others', () => {
  const paces = [0, 1, 2, 50].map((busy) => automaticPace(2, busy))
  assert.deepEqual(paces, [
    { lanes: 2, inTurn: false },
    { lanes: 2, inTurn: false },
    { lanes: 1, inTurn: true },
    { lanes: 1, inTurn: true },
  ])
})
