import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ServerMoment } from '../../core/safety/server-moment.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import type { BackupReport } from '../backup/report.ts'
import { runBackup } from '../backup/run.ts'
import { listPoints } from '../points/list-points.ts'
import { planPruneOf } from '../prune/execute.ts'
import { makeSafetyPoint } from '../restore/safety-point/safety-point.ts'
import { readStatus } from '../status/status.ts'
import { restoreIn } from '../testing/restore-in.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, ShiftedClock, textComponent, type TestHost } from '../testing/test-host.ts'

const first: ServerMoment = { server: 'a'.repeat(16), timeline: 1, position: '0/3000000' }
const later: ServerMoment = { ...first, position: '0/4000000' }
const other: ServerMoment = { server: 'b'.repeat(16), timeline: 1, position: '0/9000000' }

interface Stage {
  readonly testHost: TestHost
  readonly place: TextPlace
  readonly app: App
}

async function stageFor(t: TestContext, server: ServerMoment | undefined = first): Promise<Stage> {
  const clock = new ShiftedClock()
  const testHost = await newTestHost({ clock, storages: [memoryStorage({ clock })] })
  t.after(() => testHost.close())
  const place = new TextPlace('database', 'rows')
  place.server = server
  return { testHost, place, app: testHost.app([textComponent(place)]) }
}

async function backUp({ testHost, place, app }: Stage, server?: ServerMoment, accept = false): Promise<BackupReport> {
  testHost.clock.passHours(1)
  if (server !== undefined) place.server = server
  const plan = { ...(await planBackup(app, testHost.context())), acceptWentBack: accept }
  return runBackup(app, plan, testHost.context())
}

async function freezesOf({ testHost, app }: Stage): Promise<readonly string[]> {
  return (await planPruneOf(app, await testHost.repository(), testHost.context())).freezes
}

async function stateOf({
  testHost,
  app,
}: Stage): Promise<{ readonly codes: readonly string[]; readonly step: string }> {
  const [safety] = (await readStatus([app], testHost.context())).apps
  return { codes: safety?.reasons.map(({ code }) => code) ?? [], step: safety?.nextStep ?? '' }
}

test('a server that goes on raises nothing', async (t) => {
  const stage = await stageFor(t)
  for (const server of [first, later, { ...later, timeline: 2, position: '0/5000000' }])
    assert.deepEqual((await backUp(stage, server)).alarms, [])
  assert.deepEqual(await freezesOf(stage), [])
})

test('one that went back is an alarm in the report, points, status and prune, which names the last point before it', async (t) => {
  const stage = await stageFor(t, later)
  const { point } = await backUp(stage)
  const report = await backUp(stage, first)
  assert.match(
    report.alarms[0] ?? '',
    /^restored or made anew by something else between 20.* UTC and 20.* UTC: component database/,
  )
  assert.ok(report.findings.some(({ level, hint }) => level === 'error' && /--accept went-back/.test(hint ?? '')))
  assert.equal(report.outcome, 'done')
  const { points } = await listPoints([stage.app], stage.testHost.context())
  assert.match(points.at(-1)?.remarks.join() ?? '', /restored or made anew/)
  assert.match((await freezesOf(stage)).join(), new RegExp(`the last point before it is ${point}`))
  const { codes, step } = await stateOf(stage)
  assert.ok(codes.includes('went-back'))
  assert.match(step, /--accept went-back/)
})

test('the alarm stands until an operator accepts it, whoever looks, and every backup after it is no second alarm', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage)
  await backUp(stage, other)
  assert.deepEqual((await backUp(stage)).alarms, [])
  assert.equal((await freezesOf(stage)).length, 1)
  assert.deepEqual((await backUp(stage, undefined, true)).alarms, [])
  assert.deepEqual(await freezesOf(stage), [])
  assert.ok(!(await stateOf(stage)).codes.includes('went-back'))
})

test('it can be accepted by the very backup that would raise it, and an acceptance is of nothing that comes later', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage)
  assert.deepEqual((await backUp(stage, other, true)).alarms, [])
  assert.deepEqual(await freezesOf(stage), [])
  assert.equal((await backUp(stage, first)).alarms.length, 1)
})

test('an acceptance without an alarm says nothing', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage, undefined, true)
  const { points } = await listPoints([stage.app], stage.testHost.context())
  assert.deepEqual(
    points.flatMap(({ remarks }) => remarks),
    [],
  )
})

test('a restore by Holdfast into another server is no alarm, and what something else does after it is', async (t) => {
  const stage = await stageFor(t)
  const { point } = await backUp(stage)
  stage.place.server = other
  stage.testHost.clock.passHours(1)
  await restoreIn(stage.testHost, stage.app, { restoreId: '0000000a', point, safetyPoint: true })
  assert.deepEqual((await backUp(stage, { ...other, position: '0/9000001' })).alarms, [])
  assert.equal((await backUp(stage, first)).alarms.length, 1)
})

test('a safety point of another server is nothing to compare with', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage)
  stage.place.server = other
  stage.testHost.clock.passHours(1)
  assert.notEqual(await makeSafetyPoint(stage.app, stage.testHost.context()), null)
  assert.deepEqual((await backUp(stage, later)).alarms, [])
  assert.equal((await backUp(stage, other)).alarms.length, 1)
})

test('a machine that does not remember compares with what commits say', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage)
  const forgetful = stage.testHost.context()
  await forgetful.records.remove('servers-portal')
  assert.equal((await backUp(stage, other)).alarms.length, 1)
})

test('a new repository is compared with what the machine remembers', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage)
  const clock = new ShiftedClock()
  const fresh = await newTestHost({ clock, storages: [memoryStorage({ clock })] })
  t.after(() => fresh.close())
  const app = { ...stage.app, repositories: fresh.app([]).repositories }
  assert.equal((await backUp({ ...stage, app }, other)).alarms.length, 1)
})

test('a server that does not say where it is raises nothing', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage)
  stage.place.server = undefined
  assert.deepEqual((await backUp(stage)).alarms, [])
  assert.equal((await backUp(stage, other)).alarms.length, 1)
})
