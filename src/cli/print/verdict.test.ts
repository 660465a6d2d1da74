import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PointSummary } from '../../operations/points/list-points.ts'
import { endingOfVerdict, formatRecording, formatState } from './verdict.ts'

const FAILED = { kind: 'denied', message: 'the disk is read-only' } as const

test('damage counts most, then a proof that was not recorded, then what the point lacks', () => {
  const good = { failed: false, recorded: true }
  const unrecorded = { recorded: false, recordingFailure: FAILED, keptHere: true }
  assert.equal(endingOfVerdict(good), 'done')
  assert.equal(endingOfVerdict({ ...good, isInPart: true }), 'incomplete')
  assert.equal(endingOfVerdict({ ...good, ...unrecorded, isInPart: true }), 'denied')
  assert.equal(endingOfVerdict({ ...good, ...unrecorded, isInPart: true, failed: true }), 'corrupt')
})

test('what became of the proof is told, and where it is now', () => {
  assert.deepEqual(formatRecording({ recorded: true }), [])
  const told = (keptHere: boolean): string =>
    formatRecording({ recorded: false, recordingFailure: FAILED, keptHere }).join('\n')
  assert.match(told(true), /NOT RECORDED .*read-only[\s\S]*kept on this machine.*backup or prune here stores it/)
  assert.match(told(false), /not kept on this machine either: run this again/)
})

const point: PointSummary = {
  point: 'p',
  app: 'portal',
  created: '2026-11-30T00:00:00Z',
  sequence: 1,
  complete: true,
  truth: 'restored',
  truthAt: '2026-11-30T00:00:00Z',
  failedProof: null,
  restoredInPart: null,
  held: false,
  storedBytes: 1,
  repositories: ['main'],
  remarks: [],
}

test('what was true of a point before is not its state once it was found to be bad', () => {
  const failedProof = 'drill of 2026-11-30T01:00:00Z failed'
  const incomplete = { ...point, complete: false, truth: 'read back', restoredInPart: point.created } as const
  assert.deepEqual(
    [point, incomplete].map((one) => formatState(one)),
    ['restored', 'INCOMPLETE, restored in part'],
  )
  assert.deepEqual(
    [point, incomplete].map((one) => formatState({ ...one, failedProof })),
    ['FAILED', 'INCOMPLETE, FAILED'],
  )
  assert.equal(formatState({ ...point, failedProof }, true), 'DAMAGED')
  const copies = { ...point, failedProof, repositories: ['main', 'offsite'] }
  assert.equal(formatState(copies, true), 'restored', 'another copy may be good')
})
