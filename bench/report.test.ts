import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peakGoal, ratioGoal, timeGoal } from './measurement.ts'
import type { Measurement } from './measurement.ts'
import { jsonLine, tableOf } from './report.ts'

const plain: Measurement = {
  work: 'back up 1300 MB',
  ours: 'holdfast backup',
  peer: 'pg_dump -Fc',
  oursSeconds: 5,
  peerSeconds: 22,
  peakRssMib: 201.25,
  toolsPeakRssMib: 12,
  peerPeakRssMib: 14,
  goals: [],
}
const alone: Measurement = {
  ...plain,
  peer: undefined,
  peerSeconds: undefined,
  peakRssMib: undefined,
  oursSeconds: 0.1234,
}

test('a goal is met, missed, or not measured', () => {
  assert.equal(ratioGoal(plain, 4.4).met, true)
  assert.equal(ratioGoal(plain, 4.5).met, false)
  assert.equal(ratioGoal(alone, 3).met, undefined)
  assert.deepEqual(
    [peakGoal(plain).met, peakGoal({ ...plain, peakRssMib: 256 }).met, peakGoal(alone).met],
    [true, false, undefined],
  )
  assert.deepEqual([timeGoal(alone, 0.15).met, timeGoal(alone, 0.12).met], [true, false])
})

test('a JSON line is flat, and what was not measured is null', () => {
  const line: unknown = JSON.parse(jsonLine({ ...plain, goals: [ratioGoal(plain, 3), ratioGoal(plain, 5)] }))
  assert.deepEqual(line, {
    work: 'back up 1300 MB',
    ours: 'holdfast backup',
    peer: 'pg_dump -Fc',
    ratio: 4.4,
    ours_s: 5,
    peer_s: 22,
    peak_rss_mib: 201.3,
    tools_peak_rss_mib: 12,
    peer_peak_rss_mib: 14,
    goals_met: false,
    goals: 'at least 3 times as fast: yes; at least 5 times as fast: NO',
  })
  const other: unknown = JSON.parse(jsonLine({ ...alone, goals: [peakGoal(alone)] }))
  assert.deepEqual(other, {
    ...(line as object),
    peer: null,
    ratio: null,
    peer_s: null,
    peak_rss_mib: null,
    ours_s: 0.123,
    goals_met: false,
    goals: 'peak under 256 MiB: not measured here',
  })
})

test('the table has a row for each measure, in columns', () => {
  const [head = '', first = '', second = ''] = tableOf([plain, alone]).split('\n')
  assert.match(first, /^back up 1300 MB +5\.00 +22\.00 +4\.40 +201 +12 +14$/)
  assert.match(second, /^back up 1300 MB +0\.123 +- +- +- +12 +14$/)
  assert.equal(head.indexOf('ratio') + 'ratio'.length, first.indexOf('4.40') + '4.40'.length)
})
