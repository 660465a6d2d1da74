import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { weekdays } from '../../core/schedule/maintenance-window.ts'
import { OUTSIDE_WINDOW } from '../../core/accept-ids.ts'
import { backUp, BOTH, capturedPaused, stageFor, type Stage } from '../testing/paused-stage.ts'
import { continueUnfinished } from '../restore/run.ts'
import { restoreIn } from '../testing/restore-in.ts'
import { planUndo, runUndo } from '../undo/undo.ts'
import { planPause, runPause } from './pause.ts'

const ORDER = { restoreId: 'abcdef01', point: '1'.padStart(32, '0') }
const closed = { kind: 'refused', message: /outside its maintenance windows/, hint: /--accept outside-window/ } as const

/** The stage with a window of an hour that is open, or opens in six hours. */
async function stageWith(t: TestContext, isOpen: boolean): Promise<Stage> {
  const stage = await stageFor(t)
  const hourFrom = (hours: number): string =>
    new Date(stage.testHost.clock.now().getTime() + hours * 3_600_000).toISOString().slice(11, 16)
  const [from, to] = isOpen ? [hourFrom(0), hourFrom(1)] : [hourFrom(6), hourFrom(7)]
  return { ...stage, app: { ...stage.app, windows: [{ days: weekdays, from, to, timezone: 'UTC' }] } }
}

test('outside its windows nothing stops the app, and what does not stop it goes on', async (t) => {
  const stage = await stageWith(t, false)
  const { app, testHost } = stage
  const context = testHost.context()
  await assert.rejects(restoreIn(testHost, app, ORDER), closed)
  await assert.rejects(restoreIn(testHost, app, { ...ORDER, mode: 'in-place' }), closed)
  const plan = await planPause(app, {}, context)
  assert.equal(plan.window?.open, false)
  await assert.rejects(runPause(app, plan, context), closed)
  await assert.rejects(backUp({ testHost, app: capturedPaused(stage) }), closed)
  await backUp(stage)
  assert.deepEqual([stage.up, stage.log], [BOTH, []])
})

test('to go on with a staged restore stops the app, and waits for a window too', async (t) => {
  const { app, testHost, place } = await stageWith(t, false)
  const context = testHost.context()
  await restoreIn(testHost, app, { ...ORDER, mode: 'stage' })
  await assert.rejects(continueUnfinished(app, undefined, context), closed)
  await continueUnfinished(app, undefined, context, undefined, [OUTSIDE_WINDOW])
  assert.equal(place.live, 'captured')
})

test('an accepted restore and undo run outside the windows', async (t) => {
  const { app, testHost } = await stageWith(t, false)
  const context = testHost.context()
  assert.equal((await restoreIn(testHost, app, { ...ORDER, outsideWindow: true })).outcome, 'done')
  const undo = await planUndo(app, undefined, context)
  await assert.rejects(runUndo(app, undo, context), closed)
  await runUndo(app, { ...undo, outsideWindow: true }, context)
})

test('within a window all of it runs, and plans say until when', async (t) => {
  const stage = await stageWith(t, true)
  const { app, testHost } = stage
  assert.equal((await planPause(app, { accept: [OUTSIDE_WINDOW] }, testHost.context())).window?.open, true)
  assert.equal((await restoreIn(testHost, app, ORDER)).outcome, 'done')
  await backUp({ testHost, app: capturedPaused(stage) })
})
