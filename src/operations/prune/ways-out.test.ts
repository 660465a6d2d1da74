import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { noRules } from '../../core/testing/no-rules.ts'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { planRemove } from '../remove/plan.ts'
import { runRemove } from '../remove/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { blobNames, newTestHost, textComponent, type TestHost } from '../testing/test-host.ts'
import { executePrune, type PruneReport } from './execute.ts'

interface Stage {
  readonly testHost: TestHost
  readonly app: App
  readonly place: TextPlace
  readonly points: string[]
}

/** Five points, of which two stay; one interval is two hours. */
async function stageFor(t: TestContext): Promise<Stage> {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const place = new TextPlace('database', 'rows')
  const app = testHost.app([textComponent(place)], undefined, {
    retention: { ...noRules, last: 2 },
    intervalMilliseconds: 7_200_000,
  })
  const stage = { testHost, app, place, points: [] }
  for (let index = 0; index < 5; index += 1) {
    testHost.clock.passHours(1)
    await backUp(stage)
  }
  return stage
}

async function backUp({ testHost, app, points }: Stage): Promise<string> {
  const { point } = await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  points.push(point)
  return point
}

async function prune({ testHost, app }: Stage, accepted: readonly string[]): Promise<PruneReport> {
  const [target] = app.repositories
  assert.ok(target !== undefined)
  return await executePrune(app, target, accepted, testHost.context())
}

/** Adds the ids that each report prints until nothing is withheld. */
async function followAdvice(stage: Stage): Promise<PruneReport> {
  let accepted: readonly string[] = []
  for (let tries = 0; tries < 4; tries += 1) {
    const report = await prune(stage, accepted)
    if (report.withheld.length === 0) return report
    assert.deepEqual(report.removed, [])
    assert.ok(report.plan.accept.length > 0, `no way out of ${report.withheld.join('; ')}`)
    assert.ok(report.plan.advice.length > 0)
    accepted = [...accepted, ...report.plan.accept]
  }
  throw new Error('the advice leads nowhere')
}

async function listed({ testHost }: Stage): Promise<readonly string[]> {
  return (await (await testHost.repository()).catalog(testHost.context())).points.map(({ point }) => point)
}

const { signal } = new AbortController()

const stops: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
  'the last backup failed': async (stage) => {
    stage.place.faults.set('capture', new Error('no room'))
    await assert.rejects(backUp(stage))
  },
  'the last drill failed': async ({ testHost, points }) =>
    (await testHost.repository()).prove(points[1] ?? '', 'drill', { ok: false, facts: {} }, testHost.context()),
  'no good point is young': ({ testHost }) => Promise.resolve(testHost.clock.passHours(100)),
  'a point is dated in the future': async (stage) => {
    stage.testHost.clock.passHours(50_000)
    await backUp(stage)
    stage.testHost.clock.passHours(-50_000)
    await backUp(stage)
  },
  'a commit is damaged': async ({ testHost, points }) => {
    await testHost.storages[0]?.remove(`points/${points[3]}.json`, signal)
    await testHost.storages[0]?.put(`points/${points[3]}.json`, Buffer.from('{}'), signal)
  },
  'a commit is gone': async ({ testHost, points }) => testHost.storages[0]?.remove(`points/${points[3]}.json`, signal),
  'something belongs to nothing': async ({ testHost }) =>
    testHost.storages[0]?.put('points/stranger.json', Buffer.from('{}'), signal),
}

for (const [name, bringAbout] of Object.entries(stops)) {
  test(`where ${name}, prune stops, and the ids that it prints lead to the end`, async (t) => {
    const stage = await stageFor(t)
    await bringAbout(stage)
    const before = await listed(stage)
    const { removed } = await followAdvice(stage)
    assert.ok(removed.length > 0)
    const after = await listed(stage)
    assert.ok(after.length >= 2 && after.at(-1) === before.at(-1))
    assert.deepEqual(removed, before.slice(0, removed.length))
  })
}

test('the date of a point and the loss of one are accepted once for all', async (t) => {
  const stage = await stageFor(t)
  await stops['a point is dated in the future']?.(stage)
  await stops['a commit is gone']?.(stage)
  await followAdvice(stage)
  await backUp(stage)
  const { withheld, plan } = await prune(stage, [])
  assert.deepEqual([withheld, plan.refusals], [[], []])
})

async function remove({ testHost, app }: Stage, id: string, accepted: readonly string[] = [], now = false) {
  const request = { id, now, accepted }
  return await runRemove([app], await planRemove([app], request, testHost.context()), testHost.context())
}

test('a point dated in the future, and a damaged one, are removed by name, and prune goes on', async (t) => {
  const stage = await stageFor(t)
  await stops['a point is dated in the future']?.(stage)
  await stops['a commit is damaged']?.(stage)
  await remove(stage, stage.points[5] ?? '')
  await assert.rejects(remove(stage, stage.points[3] ?? ''), { kind: 'refused' })
  await remove(stage, stage.points[3] ?? '', [`damaged-${stage.points[3]}`])
  const { plan } = await prune(stage, [])
  assert.deepEqual(plan.refusals, [])
})

test('a removed point can be undeleted, unless its space was freed', async (t) => {
  const stage = await stageFor(t)
  const [first = '', second = ''] = stage.points
  await remove(stage, first)
  const repository = await stage.testHost.repository()
  await repository.undelete(first, stage.testHost.context())
  assert.ok((await listed(stage)).includes(first))
  await remove(stage, first)
  await remove(stage, first, [], true)
  const report = await remove(stage, second, [], true)
  assert.ok((report.repositories[0]?.freedBytes ?? 0) > 0)
  for (const point of [first, second]) {
    assert.deepEqual(await blobNames(stage.testHost.storages[0]!, `data/${point}/`), [])
    await assert.rejects(repository.undelete(point, stage.testHost.context()), { kind: 'refused' })
  }
  assert.deepEqual((await repository.catalog(stage.testHost.context())).alarms, [])
})

test('what protects a point is named with its id, and what is held is never removed', async (t) => {
  const stage = await stageFor(t)
  const [, held = ''] = stage.points
  const newest = stage.points.at(-1) ?? ''
  await (await stage.testHost.repository()).prove(held, 'hold', { ok: true, facts: {} }, stage.testHost.context())
  await assert.rejects(remove(stage, held, ['last-good', 'last-point']), { kind: 'refused', hint: /holdfast release/ })
  await assert.rejects(remove(stage, newest), { facts: { accept: 'last-good' } })
  await assert.rejects(remove(stage, newest, ['last-drilled']), { kind: 'refused' })
  await remove(stage, newest, ['last-good'])
  assert.deepEqual(await listed(stage), stage.points.slice(0, -1))
})

test('a hold that something took away is accepted once, and then raises no alarm', async (t) => {
  const stage = await stageFor(t)
  const { testHost, points } = stage
  const repository = await testHost.repository()
  const [storage] = testHost.storages
  assert.ok(storage !== undefined)
  await repository.prove(points[4] ?? '', 'hold', { ok: true, facts: {} }, testHost.context())
  await repository.catalog(testHost.context())
  const [hold = ''] = await blobNames(storage, 'proofs/')
  await storage.remove(hold, testHost.context().signal)
  const before = await repository.catalog(testHost.context())
  assert.match(before.alarms.join(), /the hold of restore point .* is gone/)
  assert.ok((await followAdvice(stage)).removed.length > 0)
  assert.deepEqual((await repository.catalog(testHost.context())).alarms, [])
})
