import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitOfVerdict, formatRecording } from './verdict.ts'

const FAILED = { kind: 'denied', message: 'the disk is read-only' } as const

test('damage counts most, then a proof that was not recorded, then what the point lacks', () => {
  const good = { failed: false, recorded: true }
  const unrecorded = { recorded: false, recordingFailure: FAILED, keptHere: true }
  assert.equal(exitOfVerdict(good), 0)
  assert.equal(exitOfVerdict({ ...good, isInPart: true }), 3)
  assert.equal(exitOfVerdict({ ...good, ...unrecorded, isInPart: true }), 12)
  assert.equal(exitOfVerdict({ ...good, ...unrecorded, isInPart: true, failed: true }), 30)
})

test('what became of the proof is told, and where it is now', () => {
  assert.deepEqual(formatRecording({ recorded: true }), [])
  const told = (keptHere: boolean): string =>
    formatRecording({ recorded: false, recordingFailure: FAILED, keptHere }).join('\n')
  assert.match(told(true), /NOT RECORDED .*read-only[\s\S]*kept on this machine.*backup or prune here stores it/)
  assert.match(told(false), /not kept on this machine either: run this again/)
})
