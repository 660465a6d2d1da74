import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Progress } from './ports.ts'
import { ofComponent, ProgressTracker } from './progress.ts'

test('bytes are told with the phase and the component that they belong to', () => {
  const tracker = new ProgressTracker()
  const phase = { phase: 'load', component: 'database' }
  assert.deepEqual(tracker.take({ type: 'phase', ...phase }), phase)
  assert.deepEqual(tracker.take({ type: 'bytes', subject: 'dump', done: 5, total: 9 }), {
    ...phase,
    detail: 'dump',
    bytesDone: 5,
    bytesExpected: 9,
  })
  assert.deepEqual(tracker.take({ type: 'bytes', component: 'files', subject: 'archive', done: 1 }), {
    phase: 'load',
    component: 'files',
    detail: 'archive',
    bytesDone: 1,
  })
  assert.equal(tracker.take({ type: 'note', message: 'x' }), undefined)
  assert.deepEqual(tracker.take({ type: 'phase', phase: 'commit' }), { phase: 'commit' })
})

test('what acts on a component tells its name, and notes are told as they are', () => {
  const told: Progress[] = []
  const { progress } = ofComponent({ progress: (event: Progress) => told.push(event) }, 'database')
  progress({ type: 'phase', phase: 'load', detail: 'rows' })
  progress({ type: 'bytes', component: 'other', subject: 'rows', done: 1 })
  progress({ type: 'note', message: 'x' })
  assert.deepEqual(told, [
    { component: 'database', type: 'phase', phase: 'load', detail: 'rows' },
    { component: 'other', type: 'bytes', subject: 'rows', done: 1 },
    { type: 'note', message: 'x' },
  ])
})
