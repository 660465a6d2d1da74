import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { tampering, type TamperedStorage } from '../../storage/testing/tampering.ts'
import type { App, OperationContext } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { listPoints, type PointSummary } from '../points/list-points.ts'
import { drillIn } from '../testing/drill-in.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, otherPair, textComponent, type TestHost } from '../testing/test-host.ts'
import type { DrillReport } from './report.ts'

const POINT = '1'.padStart(32, '0')

interface Stage {
  readonly testHost: TestHost
  readonly storage: TamperedStorage
  readonly places: readonly [database: TextPlace, files: TextPlace]
  readonly app: App
}

/** `lack` changes a place before it is captured. */
async function stageFor(t: TestContext, lack: (places: Stage['places']) => void = () => undefined): Promise<Stage> {
  const storage = tampering(memoryStorage())
  const testHost = await newTestHost({ storages: [storage] })
  t.after(() => testHost.close())
  const places = [new TextPlace('database', 'rows '.repeat(100)), new TextPlace('files', 'a key')] as const
  lack(places)
  const app = testHost.app(places.map(textComponent))
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  return { testHost, storage, places, app }
}

async function drill({ testHost, app }: Stage, context: OperationContext = testHost.context()): Promise<DrillReport> {
  const repository = await testHost.repository()
  const [point] = (await repository.catalog(context)).points
  assert.ok(point !== undefined)
  testHost.clock.passHours(1)
  return drillIn(app, context, { where: 'scratch', at: point.point })
}

async function proofsOf({ testHost }: Stage): Promise<unknown[]> {
  const { points } = await (await testHost.repository()).catalog(testHost.context())
  return points[0]?.proofs.map(({ kind, ok }) => [kind, ok]) ?? []
}

async function summary({ testHost, app }: Stage): Promise<PointSummary | undefined> {
  return (await listPoints([app], testHost.context())).points[0]
}

test('a drill of a whole point is restored, with the time that it took', async (t) => {
  const stage = await stageFor(t)
  const report = await drill(stage)
  assert.deepEqual([report.outcome, report.ok, report.missing, report.recorded], ['restored', true, [], true])
  assert.equal(report.recoveryTimeMilliseconds, report.durationMilliseconds)
  assert.deepEqual(
    report.components.map(({ bytes }) => bytes),
    [5, 500],
  )
  assert.equal((await summary(stage))?.truth, 'restored')
})

for (const [name, damage] of [
  ['keys', (storage: TamperedStorage) => storage.flipBit(`data/${POINT}/keys-1`, 60)],
  ['manifest', (storage: TamperedStorage) => storage.flipBit(`data/${POINT}/manifest`, -1)],
] as const) {
  test(`a drill finds that a point cannot be opened: ${name}`, async (t) => {
    const stage = await stageFor(t)
    await damage(stage.storage)
    const report = await drill(stage)
    assert.deepEqual([report.outcome, report.ok, report.failure?.kind], ['failed', false, 'corrupt'])
    assert.deepEqual([report.recoveryTimeMilliseconds, report.components], [null, []])
    assert.deepEqual(await proofsOf(stage), [['drill', false]])
    assert.match((await summary(stage))?.failedProof ?? '', /drill of .* failed/)
  })
}

test('a drill that loaded nothing has no time of recovery and no bytes', async (t) => {
  const stage = await stageFor(t)
  await stage.storage.flipBit(`data/${POINT}/000002`, -1)
  const report = await drill(stage)
  assert.deepEqual([report.outcome, report.recoveryTimeMilliseconds], ['failed', null])
  assert.deepEqual(
    report.components.map(({ bytes }) => bytes),
    [0, 0],
  )
})

test('what was loaded before a drill failed is counted, and nothing else', async (t) => {
  const stage = await stageFor(t)
  stage.places[1].faults.set('load', new Failure('toolFailed', 'it broke'))
  const report = await drill(stage)
  assert.deepEqual(
    report.components.map(({ name, bytes }) => [name, bytes]),
    [
      ['files', 0],
      ['database', 500],
    ],
  )
  assert.equal(report.recoveryTimeMilliseconds, null)
  assert.deepEqual(await proofsOf(stage), [['drill', false]])
})

for (const kind of ['denied', 'unreachable', 'notFound', 'usage', 'locked', 'unsupported', 'bug'] as const) {
  test(`a drill that ends with ${kind} proves nothing`, async (t) => {
    const stage = await stageFor(t)
    stage.places[0].faults.set('load', new Failure(kind, 'not today'))
    await assert.rejects(drill(stage), { kind })
    assert.deepEqual(await proofsOf(stage), [])
  })
}

test('a key of somebody else proves nothing', async (t) => {
  const stage = await stageFor(t)
  const context = { ...stage.testHost.context(), identities: () => Promise.resolve([otherPair]) }
  await assert.rejects(drill(stage, context), { kind: 'denied' })
  assert.deepEqual(await proofsOf(stage), [])
})

const lacks: Readonly<Record<string, readonly [lack: (places: Stage['places']) => void, missing: string]>> = {
  'a component that was not there': [([, files]) => void (files.live = undefined), 'files'],
  'a part that could not be read': [([database]) => void database.unreadable.push('one row'), 'database'],
}

for (const [name, [lack, missing]] of Object.entries(lacks)) {
  test(`a drill of a point that lacks ${name} is restored in part, and never green`, async (t) => {
    const stage = await stageFor(t, lack)
    const report = await drill(stage)
    assert.deepEqual([report.outcome, report.ok], ['restored in part', false])
    assert.deepEqual(
      report.missing.map((one) => one.name),
      [missing],
    )
    assert.notEqual(report.recoveryTimeMilliseconds, null)
    assert.deepEqual(await proofsOf(stage), [['drill', false]], 'an older reader does not take it for good')
    const { points } = await (await stage.testHost.repository()).catalog(stage.testHost.context())
    const { inPart, missing: named } = points[0]?.proofs[0]?.facts ?? {}
    assert.deepEqual([inPart, named], [true, [missing]], 'the signed proof says what was not in it')
    const point = await summary(stage)
    assert.deepEqual([point?.truth, point?.failedProof], ['read back', null])
    assert.ok(point?.restoredInPart)
  })
}

test('a drill of an incomplete point whose data is damaged failed', async (t) => {
  const stage = await stageFor(t, lacks['a component that was not there']![0])
  await stage.storage.flipBit(`data/${POINT}/000001`, -1)
  const report = await drill(stage)
  assert.deepEqual([report.outcome, report.missing.length], ['failed', 1])
  assert.match((await summary(stage))?.failedProof ?? '', /drill/)
})

test('a verdict stands where the target cannot be removed or the proof not be recorded', async (t) => {
  const stage = await stageFor(t)
  stage.places[0].faults.set('discard', new Failure('unreachable', 'gone'))
  stage.storage.put = () => Promise.reject(new Failure('denied', 'nothing may be written'))
  const report = await drill(stage)
  assert.deepEqual([report.outcome, report.cleanupFailure?.kind], ['restored', 'unreachable'])
  assert.deepEqual([report.recorded, report.recordingFailure?.kind, report.keptHere], [false, 'denied', true])
  assert.equal((await summary(stage))?.truth, 'restored')
})
