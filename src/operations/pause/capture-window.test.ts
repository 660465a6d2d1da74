import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { BOTH, backUp, broken, capturedPaused, stageFor, type Stage } from '../testing/paused-stage.ts'
import { textComponent } from '../testing/test-host.ts'
import { runPause, planPause } from './pause.ts'
import { findRecord } from './record.ts'

const PAUSED = ['pause web', 'pause worker', 'capture', 'resume worker', 'resume web']

/** The stage whose component is captured while the app is paused, and which logs when it is captured. */
async function pausedStage(
  t: Parameters<typeof stageFor>[0],
  more: readonly App['components'][number][] = [],
): Promise<Stage> {
  const stage = await stageFor(t)
  stage.place.onCapture = () => void stage.log.push('capture')
  const app = capturedPaused(stage)
  return { ...stage, app: { ...app, components: [...app.components, ...more] } }
}

/** Reads only once the writers run again, or after 3 seconds. */
function readBackSlowly({ testHost, log }: Stage): void {
  for (const storage of testHost.storages) {
    const get = storage.get.bind(storage)
    const slow: typeof storage.get = async (name, signal, range) => {
      if (!name.startsWith('data/')) return await get(name, signal, range)
      for (let wait = 0; wait < 300 && !log.includes('resume web'); wait += 1) await setTimeout(10)
      log.push('read back')
      return await get(name, signal, range)
    }
    Object.assign(storage, { get: slow })
  }
}

test('the writers are stopped around the capture, and run again before it is read back', async (t) => {
  const stage = await pausedStage(t)
  const plan = await planBackup(stage.app, stage.testHost.context())
  assert.deepEqual(plan.pauses, ['web', 'worker'])
  assert.deepEqual(stage.up, BOTH, 'a plan stops nothing')
  readBackSlowly(stage)
  await backUp(stage)
  assert.deepEqual(stage.log.slice(0, 6), [...PAUSED, 'read back'])
  assert.equal(await findRecord(stage.app, stage.testHost.context()), undefined)
})

test('a backup for which no component asks stops nothing', async (t) => {
  const stage = await stageFor(t)
  assert.equal((await planBackup(stage.app, stage.testHost.context())).pauses, undefined)
  await backUp(stage)
  assert.deepEqual(stage.log, [])
})

test('several components are captured in one pause, which ends with the last of them', async (t) => {
  const other = new TextPlace('files', 'other')
  const last = new TextPlace('last', 'after')
  const files = { ...textComponent(other), captureWhile: 'paused' } as const
  const stage = await pausedStage(t, [files, textComponent(last)])
  other.onCapture = () => void stage.log.push('capture files')
  last.onCapture = () => void stage.log.push('capture last')
  await backUp(stage)
  const expected = PAUSED.toSpliced(3, 0, 'capture files')
  assert.deepEqual(stage.log, [...expected, 'capture last'])
})

test('what fails or is cancelled leaves nobody down', async (t) => {
  const failing = await pausedStage(t)
  failing.place.faults.set('capture', broken)
  await assert.rejects(backUp(failing), /it broke/)
  assert.deepEqual(failing.up, BOTH)

  const unstopped = await pausedStage(t)
  unstopped.faults.add('pause worker')
  await assert.rejects(backUp(unstopped), /it broke/)
  assert.deepEqual([unstopped.up, unstopped.log.includes('capture')], [BOTH, false])

  const cancelled = await pausedStage(t)
  const controller = new AbortController()
  cancelled.place.onCapture = () => controller.abort()
  const context = { ...cancelled.testHost.context(), signal: controller.signal }
  await assert.rejects(
    planBackup(cancelled.app, context).then((plan) => runBackup(cancelled.app, plan, context)),
    { kind: 'cancelled' },
  )
  assert.deepEqual(cancelled.up, BOTH)
})

test('a workload that cannot be started costs no restore point, is told, and is started by the next command', async (t) => {
  const stage = await pausedStage(t)
  stage.faults.add('resume worker')
  const report = await backUp(stage)
  assert.equal(report.outcome, 'done')
  assert.match(report.notResumed?.message ?? '', /workload worker could not be started/)
  assert.match(report.notResumed?.hint ?? '', /holdfast resume portal/)
  assert.deepEqual(stage.up, new Set(['web']))
  stage.faults.clear()
  await backUp({ ...stage, app: { ...stage.app, components: [textComponent(stage.place)] } })
  assert.deepEqual(stage.up, BOTH)
})

test('an app that a person paused is captured as it is, and stays paused', async (t) => {
  const stage = await pausedStage(t)
  const context = stage.testHost.context()
  await runPause(stage.app, await planPause(stage.app, { reason: 'migration' }, context), context)
  await backUp(stage)
  assert.deepEqual([stage.up, stage.log.at(-1)], [new Set(), 'capture'])
  // Somebody looks whether it works.
  stage.up.add('web')
  await backUp(stage)
  assert.deepEqual(stage.up, new Set(['web']))
  assert.equal((await findRecord(stage.app, context))?.planned?.reason, 'migration')
})

test('without a platform nobody captures as if all were stopped', async (t) => {
  const { app, ...stage } = await pausedStage(t)
  const { platform: _platform, ...without } = app
  await assert.rejects(backUp({ ...stage, app: without }), { kind: 'usage', hint: /apps\.portal\.platform/ })
})
