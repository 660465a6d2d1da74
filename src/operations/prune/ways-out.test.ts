import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { noRules } from '../../core/testing/no-rules.ts'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { planRemove } from '../remove/plan.ts'
import { runRemove } from '../remove/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { blobNames, newWorkshop, textComponent, type Workshop } from '../testing/workshop.ts'
import { executePrune, type PruneReport } from './execute.ts'

interface Stage {
  readonly workshop: Workshop
  readonly app: App
  readonly place: TextPlace
  readonly points: string[]
}

/** Five points, of which two stay; one interval is two hours. */
async function stageFor(t: TestContext): Promise<Stage> {
  const workshop = await newWorkshop()
  t.after(() => workshop.close())
  const place = new TextPlace('database', 'rows')
  const app = workshop.app([textComponent(place)], undefined, {
    retention: { ...noRules, last: 2 },
    intervalMilliseconds: 7_200_000,
  })
  const stage = { workshop, app, place, points: [] }
  for (let index = 0; index < 5; index += 1) {
    workshop.clock.passHours(1)
    await backUp(stage)
  }
  return stage
}

async function backUp({ workshop, app, points }: Stage): Promise<string> {
  const { point } = await runBackup(app, await planBackup(app, workshop.context()), workshop.context())
  points.push(point)
  return point
}

async function prune({ workshop, app }: Stage, accepted: readonly string[]): Promise<PruneReport> {
  const [target] = app.repositories
  assert.ok(target !== undefined)
  return await executePrune(app, target, accepted, workshop.context())
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

async function listed({ workshop }: Stage): Promise<readonly string[]> {
  return (await (await workshop.repository()).catalog(workshop.context())).points.map(({ point }) => point)
}

const { signal } = new AbortController()

const stops: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
  'the last backup failed': async (stage) => {
    stage.place.faults.set('capture', new Error('no room'))
    await assert.rejects(backUp(stage))
  },
  'the last drill failed': async ({ workshop, points }) =>
    (await workshop.repository()).prove(points[1] ?? '', 'drill', { ok: false, facts: {} }, workshop.context()),
  'no good point is young': ({ workshop }) => Promise.resolve(workshop.clock.passHours(100)),
  'a point is dated in the future': async (stage) => {
    stage.workshop.clock.passHours(50_000)
    await backUp(stage)
    stage.workshop.clock.passHours(-50_000)
    await backUp(stage)
  },
  'a commit is damaged': async ({ workshop, points }) => {
    await workshop.storages[0]?.remove(`points/${points[3]}.json`, signal)
    await workshop.storages[0]?.put(`points/${points[3]}.json`, Buffer.from('{}'), signal)
  },
  'a commit is gone': async ({ workshop, points }) => workshop.storages[0]?.remove(`points/${points[3]}.json`, signal),
  'something belongs to nothing': async ({ workshop }) =>
    workshop.storages[0]?.put('points/stranger.json', Buffer.from('{}'), signal),
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

async function remove({ workshop, app }: Stage, id: string, accepted: readonly string[] = [], now = false) {
  const request = { id, now, accepted }
  return await runRemove([app], await planRemove([app], request, workshop.context()), workshop.context())
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
  const repository = await stage.workshop.repository()
  await repository.undelete(first, stage.workshop.context())
  assert.ok((await listed(stage)).includes(first))
  await remove(stage, first)
  await remove(stage, first, [], true)
  const report = await remove(stage, second, [], true)
  assert.ok((report.repositories[0]?.freedBytes ?? 0) > 0)
  for (const point of [first, second]) {
    assert.deepEqual(await blobNames(stage.workshop.storages[0]!, `data/${point}/`), [])
    await assert.rejects(repository.undelete(point, stage.workshop.context()), { kind: 'refused' })
  }
  assert.deepEqual((await repository.catalog(stage.workshop.context())).alarms, [])
})

test('what protects a point is named with its id, and what is held is never removed', async (t) => {
  const stage = await stageFor(t)
  const [, held = ''] = stage.points
  const newest = stage.points.at(-1) ?? ''
  await (await stage.workshop.repository()).prove(held, 'hold', { ok: true, facts: {} }, stage.workshop.context())
  await assert.rejects(remove(stage, held, ['last-good', 'last-point']), { kind: 'refused', hint: /holdfast release/ })
  await assert.rejects(remove(stage, newest), { facts: { accept: 'last-good' } })
  await assert.rejects(remove(stage, newest, ['last-drilled']), { kind: 'refused' })
  await remove(stage, newest, ['last-good'])
  assert.deepEqual(await listed(stage), stage.points.slice(0, -1))
})

test('a hold that something took away is accepted once, and then raises no alarm', async (t) => {
  const stage = await stageFor(t)
  const { workshop, points } = stage
  const repository = await workshop.repository()
  const [storage] = workshop.storages
  assert.ok(storage !== undefined)
  await repository.prove(points[4] ?? '', 'hold', { ok: true, facts: {} }, workshop.context())
  await repository.catalog(workshop.context())
  const [hold = ''] = await blobNames(storage, 'proofs/')
  await storage.remove(hold, workshop.context().signal)
  const before = await repository.catalog(workshop.context())
  assert.match(before.alarms.join(), /the hold of restore point .* is gone/)
  assert.ok((await followAdvice(stage)).removed.length > 0)
  assert.deepEqual((await repository.catalog(workshop.context())).alarms, [])
})
