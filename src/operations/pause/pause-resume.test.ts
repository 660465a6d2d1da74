import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../core/failure.ts'
import type { Platform } from '../../platforms/platform.ts'
import type { OperationContext } from '../app.ts'
import { executeCheck } from '../check/check.ts'
import { abandonUnfinished } from '../restore/run.ts'
import { BOTH, backUp, broken, capturedPaused, stageFor, type Stage } from '../testing/paused-stage.ts'
import { readStatus } from '../status/status.ts'
import { restoreIn } from '../testing/restore-in.ts'
import { planPause, runPause } from './pause.ts'
import { saveRecord, findRecord } from './record.ts'
import { planResume, runResume } from './resume.ts'

const ORDER = { restoreId: 'abcdef01', point: '1'.padStart(32, '0') }

async function pause({ app, testHost }: Stage, reason?: string): Promise<void> {
  const context = testHost.context()
  await runPause(app, await planPause(app, { reason }, context), context)
}

async function resume({ app, testHost }: Stage, ...accept: readonly string[]): Promise<void> {
  const context = testHost.context()
  await runResume(app, await planResume(app, accept, context), context)
}

/** What status says of it. */
async function pauseTold({ app, testHost }: Stage): Promise<{ level: string; step: string | undefined } | undefined> {
  const [safety] = (await readStatus([app], testHost.context())).apps
  const reason = safety?.reasons.find(({ code }) => code === 'paused')
  return reason && { level: reason.level, step: safety?.nextStep }
}

test('a pause stops what runs, lasts over other commands, and resume starts exactly that', async (t) => {
  const stage = await stageFor(t)
  stage.up.delete('worker')
  const plan = await planPause(stage.app, { reason: 'migration' }, stage.testHost.context())
  assert.deepEqual([plan.workloads, stage.up.has('web')], [['web'], true], 'a plan stops nothing')
  assert.deepEqual(plan.comesBack, [{ workload: 'web', to: 'running' }])
  await pause(stage, 'migration')
  assert.deepEqual((await pauseTold(stage))?.level, 'warning')
  await backUp(stage)
  assert.equal((await restoreIn(stage.testHost, stage.app, ORDER)).outcome, 'done')
  assert.deepEqual([stage.up, stage.place.live], [new Set(), 'captured'])
  const resumed = await planResume(stage.app, [], stage.testHost.context())
  assert.deepEqual([resumed.paused?.operation, resumed.reason, resumed.workloads], ['pause', 'migration', ['web']])
  await resume(stage)
  assert.deepEqual(stage.up, new Set(['web']))
  await resume(stage)
})

test('a pause that is asked for twice is one, and keeps its reason', async (t) => {
  const stage = await stageFor(t)
  await pause(stage, 'migration')
  stage.up.add('web')
  await pause(stage)
  const record = await findRecord(stage.app, stage.testHost.context())
  assert.deepEqual([stage.up, record?.workloads, record?.planned?.reason], [new Set(), ['web', 'worker'], 'migration'])
  await resume(stage)
  assert.deepEqual(stage.up, BOTH)
})

test('a pause that fails starts again what it had stopped', async (t) => {
  const stage = await stageFor(t)
  stage.faults.add('pause worker')
  await assert.rejects(pause(stage), /it broke/)
  assert.deepEqual(stage.up, BOTH)
  assert.equal(await findRecord(stage.app, stage.testHost.context()), undefined)
})

test('a pause needs a platform, a reason of one line, and no restore that holds the app', async (t) => {
  const stage = await stageFor(t)
  const { platform: _platform, ...without } = stage.app
  await assert.rejects(planPause(without, {}, stage.testHost.context()), { kind: 'usage', hint: /platform/ })
  await assert.rejects(planPause(stage.app, { reason: 'a\nb' }, stage.testHost.context()), { kind: 'usage' })
  stage.place.faults.set('reopen', broken)
  await assert.rejects(restoreIn(stage.testHost, stage.app, ORDER), /not fully open/)
  await assert.rejects(pause(stage), { kind: 'refused', hint: /--abandon/ })
  await assert.rejects(resume(stage), { message: /stays down.*it broke/, hint: /--abandon/ })
  assert.deepEqual(stage.up, new Set())
  stage.place.faults.clear()
  await abandonUnfinished(stage.app, stage.testHost.context())
  assert.deepEqual([stage.up, stage.place.live], [BOTH, 'live'])
})

test('over data that may be mixed nothing is started, neither by a later restore that changes nothing, until it is accepted', async (t) => {
  const stage = await stageFor(t)
  stage.place.faults.set('load half', broken)
  await restoreIn(stage.testHost, stage.app, { ...ORDER, mode: 'in-place' })
  await assert.rejects(resume(stage), { kind: 'refused', message: /mixture/, hint: /--accept unsure-data/ })
  stage.place.faults.clear()
  stage.place.faults.set('fence', broken)
  const stopped = await restoreIn(stage.testHost, stage.app, { ...ORDER, restoreId: 'abcdef02' })
  assert.deepEqual([stopped.live, stage.up], ['as before', new Set()])
  await backUp(stage)
  const { apps, ok } = await executeCheck([stage.app], stage.testHost.context())
  assert.match(JSON.stringify(apps), /"level":"error","subject":"pause".*mixture/)
  assert.deepEqual([ok, stage.up], [false, new Set()])
  const told = await pauseTold(stage)
  assert.deepEqual(told, {
    level: 'risk',
    step: 'Run holdfast resume portal; it says what keeps the app from running.',
  })
  await resume(stage, 'unsure-data')
  assert.deepEqual(stage.up, BOTH)
})

test('a mixture is named with the safety point from before it, and not with a later one', async (t) => {
  const stage = await stageFor(t)
  stage.place.faults.set('load half', broken)
  const first = await restoreIn(stage.testHost, stage.app, { ...ORDER, mode: 'in-place', safetyPoint: true })
  await restoreIn(stage.testHost, stage.app, { ...ORDER, restoreId: 'abcdef02', mode: 'in-place', safetyPoint: true })
  assert.notEqual(first.safetyPoint, null)
  const [safety] = (await readStatus([stage.app], stage.testHost.context())).apps
  assert.match(JSON.stringify(safety?.reasons), new RegExp(`mixture.*--at ${first.safetyPoint}`))
  await assert.rejects(resume(stage), { hint: new RegExp(`--at ${first.safetyPoint}`) })
})

test('what is gone for good keeps nothing else down, and is given up once that is accepted', async (t) => {
  const stage = await stageFor(t)
  await pause(stage)
  const { kind } = stage.app.platform ?? {}
  assert.ok(kind !== undefined)
  const gone = new Failure('notFound', 'there is no such workload')
  const without: Platform = {
    ...kind,
    resume: (settings, name, context) => (name === 'web' ? Promise.reject(gone) : kind.resume(settings, name, context)),
  }
  const app = { ...stage.app, platform: { kind: without, settings: {}, reaches: [] } }
  await assert.rejects(resume({ ...stage, app }), { kind: 'notFound', hint: /--accept gone-workload/ })
  assert.deepEqual(stage.up, new Set([...BOTH].filter((name) => name !== 'web')))
  await resume({ ...stage, app }, 'gone-workload')
  assert.equal(await findRecord(app, stage.testHost.context()), undefined)
})

test('what was paused in one cluster is not taken for what another has', async (t) => {
  const stage = await stageFor(t)
  await pause(stage)
  stage.cluster.name = 'other'
  await assert.rejects(resume(stage), { kind: 'refused', message: /cluster other/ })
  assert.deepEqual(stage.up, new Set())
})

test('what another process holds is left to it', async (t) => {
  const stage = await stageFor(t)
  await pause(stage)
  const others: OperationContext['processes'] = {
    self: () => Promise.resolve('other'),
    isRunning: () => Promise.resolve(true),
    isVisible: () => Promise.resolve(true),
    begin: () => ({ ...others, end: () => undefined }),
  }
  const other = (context: OperationContext): OperationContext => ({ ...context, processes: others })
  const context = other(stage.testHost.context())
  const record = await findRecord(stage.app, context)
  if (record === undefined) throw new Error('there is no record')
  const { planned: _planned, ...backup } = record
  await saveRecord({ ...backup, operation: 'backup', owner: 'another' }, context)
  await assert.rejects(planResume(stage.app, [], context), { kind: 'locked' })
  await assert.rejects(planPause(stage.app, {}, context), { kind: 'locked' })
  const paused = capturedPaused(stage)
  const running = { ...paused, components: stage.app.components }
  await backUp({ app: running, testHost: { ...stage.testHost, context: () => context } })
  assert.deepEqual(stage.up, new Set())
})
