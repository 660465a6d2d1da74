import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Failure } from '../core/failure.ts'
import type { Effects } from '../core/ports.ts'
import type { App, OperationContext } from './app.ts'
import { guardApp } from './guard/guard.ts'
import { backupOrder } from './backup/order.ts'
import { planBackup } from './backup/plan.ts'
import { runBackup } from './backup/run.ts'
import { pauseOrder, planPause, runPause } from './pause/pause.ts'
import { orderOf, planRestore } from './restore/plan.ts'
import { abandonUnfinished, continueUnfinished, runRestore } from './restore/run.ts'
import { restoreIn } from './testing/restore-in.ts'
import { BOTH, stageFor } from './testing/paused-stage.ts'
import { planUndo, runUndo, undoOrder } from './undo/undo.ts'

const switched = {
  kind: 'refused',
  message: /planned for cluster one, and its platform is cluster two now/,
  hint: /Switch back to the one of the plan/,
} as const

/** Plans, and gives what runs it as another process does. */
type Planned = (app: App, context: OperationContext) => Promise<() => Promise<unknown>>

const operations: Readonly<Record<string, Planned>> = {
  restore: async (app, context) => {
    const order = orderOf(await planRestore(app, { safetyPoint: false }, context))
    return () => runRestore(app, order, context)
  },
  undo: async (app, context) => {
    const order = undoOrder.parse(await planUndo(app, undefined, context))
    return () => runUndo(app, order, context)
  },
  backup: async (app, context) => {
    const order = backupOrder.parse(await planBackup(app, context))
    return () => runBackup(app, order, context)
  },
  pause: async (app, context) => {
    const order = pauseOrder.parse(await planPause(app, {}, context))
    return () => runPause(app, order, context)
  },
}

const stageOf = async (t: TestContext, name: string) => {
  const stage = await stageFor(t)
  const restored = { restoreId: 'abcdef01', point: '1'.padStart(32, '0') }
  if (name === 'undo') await restoreIn(stage.testHost, stage.app, restored)
  stage.log.length = 0
  return stage
}

for (const [name, plan] of Object.entries(operations))
  test(`${name}: what was planned for one cluster touches no other, and runs on its own`, async (t) => {
    const stage = await stageOf(t, name)
    const run = await plan(stage.app, stage.testHost.context())
    const live = stage.place.live
    stage.cluster.name = 'two'
    await assert.rejects(run(), switched)
    assert.deepEqual([stage.up, stage.log, stage.place.live], [BOTH, [], live])
    stage.cluster.name = 'one'
    await run()
  })

const elsewhere = {
  kind: 'refused',
  message: /restore abcdef01 of app portal was begun on cluster one, and its platform is cluster two now/,
  hint: /Switch back to it/,
} as const

test('what a restore left on one cluster is ended on no other', async (t) => {
  const stage = await stageFor(t)
  const { app, testHost, cluster, place } = stage
  const order = { restoreId: 'abcdef01', point: '1'.padStart(32, '0'), platform: 'cluster one' }
  await restoreIn(testHost, app, { ...order, mode: 'stage' })
  const context = testHost.context()
  cluster.name = 'two'
  stage.log.length = 0
  await assert.rejects(continueUnfinished(app, undefined, context), elsewhere)
  await assert.rejects(abandonUnfinished(app, context), elsewhere)
  assert.deepEqual([stage.up, stage.log, place.live], [BOTH, [], 'live'])
  cluster.name = 'one'
  await continueUnfinished(app, undefined, context)
  cluster.name = 'two'
  await assert.rejects(planUndo(app, 'abcdef01', context), elsewhere)
  await assert.rejects(planUndo(app, undefined, context), elsewhere)
  cluster.name = 'one'
  await runUndo(app, await planUndo(app, undefined, context), context)
  assert.equal(place.live, 'live')
})

test('the guardian leaves a restore alone that died on another cluster', async (t) => {
  const { app, testHost, cluster, log } = await stageFor(t)
  const order = { restoreId: 'abcdef01', point: '1'.padStart(32, '0'), platform: 'cluster one' }
  let isDead = false
  const dying: Effects = {
    run(name, act) {
      isDead ||= name.includes('swap')
      return isDead ? Promise.reject(new Error('died')) : act()
    },
  }
  await assert.rejects(restoreIn(testHost, app, order, dying))
  assert.ok(isDead)
  const context = testHost.context()
  await context.records.remove('paused-portal')
  cluster.name = 'two'
  log.length = 0
  await assert.rejects(guardApp(app, context), elsewhere)
  assert.deepEqual(log, [])
  cluster.name = 'one'
  assert.equal((await guardApp(app, context)).settled?.restoreId, 'abcdef01')
})

test('an order of an earlier version names no cluster, and runs', async (t) => {
  const { app, testHost } = await stageFor(t)
  const context = testHost.context()
  const { platform, ...before } = orderOf(await planRestore(app, { safetyPoint: false }, context))
  assert.equal(platform, 'cluster one')
  await runRestore(app, before, context)
})

test('a platform that cannot tell keeps no backup from being made that does not need it', async (t) => {
  const { app, testHost } = await stageFor(t)
  assert.ok(app.platform)
  const identity = (): Promise<string> => Promise.reject(new Failure('notFound', 'no kubeconfig'))
  const unknown = { ...app, platform: { ...app.platform, kind: { ...app.platform.kind, identity } } }
  const plan = await planBackup(unknown, testHost.context())
  assert.equal(plan.platform, undefined)
  assert.equal((await runBackup(unknown, plan, testHost.context())).outcome, 'done')
})
