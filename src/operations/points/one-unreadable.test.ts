import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fileFailure } from '../../storage/filesystem/failures.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { tampering, type TamperedStorage } from '../../storage/testing/tampering.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { executeCheck } from '../check/check.ts'
import { planPruneOf } from '../prune/execute.ts'
import { readStatus } from '../status/status.ts'
import { drillIn } from '../testing/drill-in.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { blobNames, newTestHost, textComponent, type TestHost } from '../testing/test-host.ts'
import { executeVerify } from '../verify/execute.ts'
import { findPoint } from './find-point.ts'
import { listPoints } from './list-points.ts'
import { showPoint } from './show-point.ts'

interface Stage {
  readonly testHost: TestHost
  readonly storage: TamperedStorage
  /** Names of blobs that may not be read. */
  readonly closed: Set<string>
  readonly points: readonly string[]
}

async function stageFor(t: TestContext): Promise<Stage> {
  const storage = tampering(memoryStorage())
  const closed = new Set<string>()
  const get = storage.get.bind(storage)
  storage.get = (name, signal, range) =>
    closed.has(name)
      ? Promise.reject(fileFailure(Object.assign(new Error('x'), { code: 'EACCES' }), `get ${name}`, '/srv'))
      : get(name, signal, range)
  const testHost = await newTestHost({ storages: [storage] })
  t.after(() => testHost.close())
  const points: string[] = []
  for (let index = 0; index < 4; index += 1) {
    testHost.clock.passHours(1)
    const app = appOf(testHost)
    points.push((await runBackup(app, await planBackup(app, testHost.context()), testHost.context())).point)
  }
  for (const point of points.slice(0, 2))
    await (await testHost.repository()).prove(point, 'hold', { ok: true, facts: {} }, testHost.context())
  return { testHost, storage, closed, points }
}

function appOf(testHost: TestHost) {
  return testHost.app([textComponent(new TextPlace('database', 'rows'))])
}

/** Everything with another point goes on, and prune refuses. */
async function assertOthersGoOn({ testHost, points }: Stage, name: RegExp): Promise<void> {
  const context = testHost.context()
  const app = appOf(testHost)
  const newest = points.at(-1) ?? ''
  const { point, repository } = await findPoint(app, { latest: true }, context)
  assert.equal(point.point, newest)
  assert.equal((await executeVerify(repository, point, { sample: 1, drivers: [] }, context)).ok, true)
  assert.equal((await drillIn(app, context)).ok, true)
  const { refusals } = await planPruneOf(app, repository, context)
  assert.ok(refusals.length > 0)
  const { repositories, ok } = await executeCheck([app], context)
  assert.equal(ok, false)
  assert.match(JSON.stringify(repositories), name)
}

test('a commit that may not be read is named as not read, and others go on', async (t) => {
  const stage = await stageFor(t)
  const name = `points/${stage.points[1]}.json`
  stage.closed.add(name)
  const { points, damaged, unread } = await listPoints([appOf(stage.testHost)], stage.testHost.context())
  assert.deepEqual([points.length, unread, damaged.map(({ kind }) => kind)], [3, [], ['unread']])
  await assertOthersGoOn(stage, new RegExp(name))
  const finding = findPoint(appOf(stage.testHost), { id: stage.points[1] ?? '' }, stage.testHost.context())
  await assert.rejects(finding, { kind: 'unreachable', message: /not permitted/ })
})

test('a proof that may not be read is named, and others go on', async (t) => {
  const stage = await stageFor(t)
  const [name = ''] = await blobNames(stage.storage, `proofs/${stage.points[1]}/`)
  stage.closed.add(name)
  const { points, damaged, alarms, unread } = await listPoints([appOf(stage.testHost)], stage.testHost.context())
  assert.deepEqual([points.filter(({ held }) => held).length, damaged, alarms], [2, [], []])
  assert.match(unread.map(({ message }) => message).join(), new RegExp(name))
  const { apps } = await readStatus([appOf(stage.testHost)], stage.testHost.context())
  const reasons = apps.flatMap((app) => app.reasons.filter(({ message }) => message.includes(name)))
  assert.deepEqual(
    reasons.filter(({ code }) => code !== 'frozen').map(({ code, level }) => [code, level]),
    [['unread', 'risk']],
    'no right is no damage',
  )
  await assertOthersGoOn(stage, new RegExp(name))
})

test('a tombstone that may not be read is named, and others go on', async (t) => {
  const stage = await stageFor(t)
  await (await stage.testHost.repository()).remove(stage.points[2] ?? '', 'a test', stage.testHost.context())
  const name = `removed/${stage.points[2]}.json`
  stage.closed.add(name)
  await assertOthersGoOn(stage, new RegExp(name))
})

test('a point that lost its data is damaged in the list, and others go on', async (t) => {
  const stage = await stageFor(t)
  const name = `data/${stage.points[1]}/manifest`
  await stage.storage.lose(name)
  const { points, damaged } = await listPoints([appOf(stage.testHost)], stage.testHost.context())
  assert.deepEqual(
    [points.length, damaged.map(({ kind, point }) => [kind, point])],
    [4, [['corrupt', stage.points[1]]]],
  )
  await assertOthersGoOn(stage, new RegExp(name))
})

test('a point with a blob of another size is damaged in the list', async (t) => {
  const stage = await stageFor(t)
  for (const blob of ['000001', 'manifest', 'keys-1'])
    await stage.storage.change(`data/${stage.points[1]}/${blob}`, (bytes) => bytes.subarray(1))
  const { damaged } = await listPoints([appOf(stage.testHost)], stage.testHost.context())
  assert.match(damaged[0]?.message ?? '', /manifest has \d+ instead of \d+ bytes.*000001 has.*keys-1 has/)
})

test('of a point that cannot be opened everything public is shown, with what keeps it closed', async (t) => {
  const stage = await stageFor(t)
  const [point = '', other = ''] = stage.points
  const name = `data/${point}/manifest`
  const shown = (id: string) => showPoint([appOf(stage.testHost)], id, undefined, stage.testHost.context())
  await stage.storage.change(name, (bytes) => bytes.fill(0, 200, 210))
  const { opened, failure, components, ...rest } = await shown(point)
  assert.deepEqual([opened, failure?.kind, components], [false, 'corrupt', []])
  assert.deepEqual([rest.summary.point, rest.proofs.map(({ kind }) => kind)], [point, ['hold']])
  stage.closed.add(`data/${other}/manifest`)
  const unread = await shown(other)
  assert.deepEqual([unread.opened, unread.failure?.kind], [false, 'denied'])
})
