import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChildRun } from '../child.ts'
import type { Measurement } from '../measurement.ts'
import { bareGoal, fingerprintGoal, pointOf } from './backup-bare.ts'

const measurement: Measurement = {
  work: 'w',
  ours: 'o',
  peer: 'p',
  oursSeconds: 6,
  peerSeconds: 4,
  peakRssMib: undefined,
  toolsPeakRssMib: undefined,
  peerPeakRssMib: undefined,
  goals: [],
}

test('the bare work is compared with a backup without its reading back', () => {
  assert.deepEqual(bareGoal(measurement, 1), {
    text: 'at most 1.25 times it without the 1.00 s of reading back (1.25; with it 1.50)',
    met: true,
  })
  assert.equal(bareGoal(measurement, 0.9).met, false)
  assert.equal(bareGoal({ ...measurement, peerSeconds: undefined }, 1).met, undefined)
})

test('the share of the fingerprint is what a backup without it saves', () => {
  assert.deepEqual(fingerprintGoal(10, 8), { text: 'fingerprint under 25 % of the time (20 %)', met: true })
  assert.equal(fingerprintGoal(10, 7.5).met, false)
})

test('the point is taken from the report', () => {
  const run = (stdout: string): ChildRun => ({ seconds: 1, peaks: undefined, stdout })
  assert.equal(pointOf(run(JSON.stringify({ report: { point: 'abc' } }))), 'abc')
  assert.throws(() => pointOf(run('{}')))
})
