import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { noRules } from '../../core/testing/no-rules.ts'
import { Failure } from '../../core/failure.ts'
import type { Clock } from '../../core/ports.ts'
import { systemClock } from '../../system/clock.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { tampering, type TamperedStorage } from '../../storage/testing/tampering.ts'
import type { App, OperationContext } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { blobNames, newTestHost, pair, readWhole, textComponent, type TestHost } from '../testing/test-host.ts'
import { executePrune, planPruneOf, type PruneReport } from './execute.ts'

interface Stage {
  readonly testHost: TestHost
  readonly storage: TamperedStorage
  readonly app: App
  readonly points: readonly string[]
}

/** That of the test host, once there is one. */
function laterClock(testHost: () => TestHost | undefined): Clock {
  const clock = (): Clock => testHost()?.clock ?? systemClock
  return {
    now: () => clock().now(),
    monotonic: () => clock().monotonic(),
    sleep: (milliseconds, signal) => clock().sleep(milliseconds, signal),
  }
}

/** Four points, of which one stays. */
async function stageFor(t: TestContext): Promise<Stage> {
  let testHost: TestHost | undefined = undefined
  const storage = tampering(memoryStorage({ clock: laterClock(() => testHost) }))
  testHost = await newTestHost({ storages: [storage] })
  t.after(() => testHost.close())
  const retention = { ...noRules, last: 1, minimum: 1 }
  const app = testHost.app([textComponent(new TextPlace('database', 'rows'))], undefined, { retention })
  const points: string[] = []
  for (let index = 0; index < 4; index += 1) {
    testHost.clock.passHours(1)
    points.push((await runBackup(app, await planBackup(app, testHost.context()), testHost.context())).point)
  }
  return { testHost, storage, app, points }
}

/** Prunes with the approval of the plan as it is now, and whatever a listing says of the points. */
async function prune({ testHost, app, points }: Stage, context = testHost.context()): Promise<PruneReport> {
  const known = points.map((point) => `damaged-${point}`)
  const { hash } = await planPruneOf(app, await testHost.repository(), context, known)
  const [target] = app.repositories
  assert.ok(target !== undefined)
  return executePrune(app, target, [...known, `prune-${hash}`], context)
}

async function restorable({ testHost }: Stage): Promise<readonly string[]> {
  const repository = await testHost.repository()
  const good: string[] = []
  for (const { point } of (await repository.catalog(testHost.context())).points)
    await readWhole(repository, point, testHost.context()).then(
      () => good.push(point),
      () => undefined,
    )
  return good
}

const defects: readonly ((storage: TamperedStorage, point: string) => Promise<void>)[] = [
  (storage, point) => storage.flipBit(`data/${point}/keys-1`, 60),
  (storage, point) => storage.flipBit(`data/${point}/manifest`, -1),
  (storage, point) => storage.lose(`data/${point}/000001`),
  (storage, point) => storage.truncate(`data/${point}/000001`, 120),
]

for (const damaged of Array.from({ length: 16 }, (_, bits) => [0, 1, 2, 3].filter((index) => (bits >> index) & 1))) {
  test(`no prune leaves an app without a point that restores: damaged are ${damaged.join(' ') || 'none'}`, async (t) => {
    const stage = await stageFor(t)
    for (const index of damaged) await defects[index]?.(stage.storage, stage.points[index] ?? '')
    const before = await restorable(stage)
    assert.equal(before.length, 4 - damaged.length)
    const report = await prune(stage)
    const after = await restorable(stage)
    const newestGood = before.at(-1)
    assert.equal(report.removed.length > 0, newestGood !== undefined && newestGood !== stage.points[0])
    if (newestGood === undefined) assert.deepEqual([report.removed, after], [[], []])
    else assert.ok(after.includes(newestGood), `${newestGood} is gone, of ${before.join(' ')}`)
  })
}

test('a point that prune could not open is signed as failed, once, and shown in its plan', async (t) => {
  const stage = await stageFor(t)
  const { testHost, storage, app, points } = stage
  const newest = points[3] ?? ''
  await storage.flipBit(`data/${newest}/keys-1`, 60)
  const dry = await planPruneOf(app, await testHost.repository(), testHost.context())
  assert.deepEqual(
    dry.unopenable.map(({ point }) => point),
    [newest],
  )
  const proofs = async () => {
    const catalog = await (await testHost.repository()).catalog(testHost.context())
    return catalog.points.find(({ point }) => point === newest)?.proofs.map(({ kind, ok }) => [kind, ok])
  }
  assert.deepEqual(await proofs(), [], 'a dry run changes nothing')
  for (const _time of [1, 2]) await prune(stage)
  assert.deepEqual(await proofs(), [['verify', false]])
  assert.deepEqual((await restorable(stage)).slice(-1), points.slice(2, 3))
})

test('each point found wanting makes an older one be opened, until all that is relied on opens', async (t) => {
  const { testHost, storage, app, points } = await stageFor(t)
  await storage.flipBit(`data/${points[3]}/keys-1`, 60)
  await storage.flipBit(`data/${points[2]}/manifest`, -1)
  await storage.flipBit(`data/${points[1]}/keys-1`, 60)
  const { unopenable, removals } = await planPruneOf(app, await testHost.repository(), testHost.context())
  assert.deepEqual(unopenable.map(({ point }) => point).toSorted(), points.slice(1))
  assert.ok(!removals.includes(points[0] ?? ''), 'the only one that restores')
})

test('the next prune stores the proof that a verify had to keep', async (t) => {
  const { testHost, storage, app, points } = await stageFor(t)
  const [repository, [target]] = [await testHost.repository(), app.repositories]
  const about = (await repository.catalog(testHost.context())).points[0]
  assert.ok(about !== undefined && target !== undefined)
  storage.put = () => Promise.reject(new Failure('refused', 'the disk is full'))
  await repository.record(about, 'verify', { ok: false, facts: {} }, testHost.context())
  Reflect.deleteProperty(storage, 'put')
  assert.deepEqual(await blobNames(storage, 'proofs/'), [])
  await executePrune(app, target, [], testHost.context())
  assert.equal((await blobNames(storage, `proofs/${points[0]}/`)).length, 1)
})

test('a private key at hand opens what prune relies on; that of somebody else says nothing', async (t) => {
  const stage = await stageFor(t)
  let asked = 0
  const identitiesAtHand = () => Promise.resolve([pair]).finally(() => (asked += 1))
  const context: OperationContext = { ...stage.testHost.context(), identitiesAtHand }
  const report = await prune(stage, context)
  assert.deepEqual([report.withheld, report.removed.length], [[], 3])
  assert.ok(asked > 0)
})

test('what cannot be looked at is not relied on: nothing is removed', async (t) => {
  const stage = await stageFor(t)
  const { storage, testHost, points } = stage
  const get = storage.get.bind(storage)
  storage.get = (name, ...rest) =>
    name.endsWith('/manifest') ? Promise.reject(new Failure('denied', `${name} may not be read`)) : get(name, ...rest)
  await assert.rejects(prune(stage), { kind: 'denied' })
  Reflect.deleteProperty(storage, 'get')
  assert.deepEqual(await restorable(stage), points)
  const { points: listed } = await (await testHost.repository()).catalog(testHost.context())
  assert.ok(listed.every(({ proofs }) => proofs.length === 0))
})

test('data of removed points stays while no good point is left', async (t) => {
  const stage = await stageFor(t)
  const { testHost, storage, points } = stage
  assert.equal((await prune(stage)).removed.length, 3)
  await storage.flipBit(`data/${points[3]}/manifest`, -1)
  testHost.clock.passHours(100)
  assert.equal((await prune(stage)).swept.removedBlobs, 0)
  const repository = await testHost.repository()
  await repository.undelete(points[2] ?? '', testHost.context())
  assert.deepEqual(await restorable(stage), [points[2]])
})
