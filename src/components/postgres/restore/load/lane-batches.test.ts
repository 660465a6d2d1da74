import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lane } from '../../capture/lanes.ts'
import { planBatches } from './lane-batches.ts'

const SIZES: Readonly<Record<string, number>> = { a1: 60, a2: 60, b1: 40, c1: 20, c2: 30 }
const lanes = Object.keys(SIZES).map((role): Lane => ({
  role,
  schema: 'public',
  table: role.slice(0, 1),
  columns: ['id'],
  format: 'binary',
}))

function planned(jobs: number, of = lanes): readonly string[] {
  return planBatches(of, (role) => SIZES[role] ?? 0, jobs).map(
    ({ lanes, isWhole }) => lanes.map(({ role }) => role).join('+') + (isWhole ? ' whole' : ''),
  )
}

test('a table within its share is one batch, a larger one a batch for each lane, the largest first', () => {
  assert.deepEqual(planned(2), ['a1', 'a2', 'c1+c2 whole', 'b1 whole'])
})

test('one session loads every table whole', () => {
  assert.deepEqual(planned(1), ['a1+a2 whole', 'c1+c2 whole', 'b1 whole'])
})

test('one table is shared by all sessions', () => {
  assert.deepEqual(planned(4, lanes.slice(0, 2)), ['a1', 'a2'])
  assert.deepEqual(planned(4, []), [])
})
