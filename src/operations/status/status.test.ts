import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../core/failure.ts'
import type { Safety } from '../../core/safety/safety.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, ShiftedClock, textComponent, type TestHost } from '../testing/test-host.ts'
import { readStatus } from './status.ts'

const HOUR = 3_600_000

interface Stage {
  readonly testHost: TestHost
  readonly place: TextPlace
  readonly app: App
}

async function stageFor(t: TestContext): Promise<Stage> {
  const clock = new ShiftedClock()
  const testHost = await newTestHost({ clock, storages: [memoryStorage({ clock }), memoryStorage({ clock })] })
  t.after(() => testHost.close())
  const place = new TextPlace('database', 'rows')
  const app = testHost.app([textComponent(place)], undefined, { intervalMilliseconds: 24 * HOUR })
  return { testHost, place, app }
}

async function backUp({ testHost, app }: Stage): Promise<string> {
  const { point } = await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  return point
}

async function proveDrill({ testHost }: Stage, point: string, ok: boolean): Promise<void> {
  const outcome = { ok, facts: {} }
  await (await testHost.repository()).prove(point, 'drill', outcome, testHost.context())
}

async function statusOf({ testHost }: Stage, app: App): Promise<Safety> {
  const [safety] = (await readStatus([app], testHost.context())).apps
  assert.ok(safety !== undefined)
  return safety
}

const codesOf = ({ reasons }: Safety): string[] => reasons.map(({ code }) => code)

test('an app goes from unprotected to unproven to proven, and to at risk by nothing but time', async (t) => {
  const stage = await stageFor(t)
  const { testHost, app } = stage
  assert.equal((await statusOf(stage, app)).state, 'unprotected')
  const point = await backUp(stage)
  assert.equal((await statusOf(stage, app)).state, 'unproven')
  await proveDrill(stage, point, true)
  assert.equal((await statusOf(stage, app)).state, 'proven')
  testHost.clock.passHours(80)
  const late = await statusOf(stage, app)
  assert.equal(late.state, 'at risk')
  assert.match(late.reasons.map(({ message }) => message).join('; '), /3 expected runs since .* did not happen/)
  assert.ok(codesOf(late).includes('overdue'))
})

test('a run that failed, and a drill that failed, put an app at risk', async (t) => {
  const stage = await stageFor(t)
  const { testHost, app, place } = stage
  const point = await backUp(stage)
  await proveDrill(stage, point, true)
  place.faults.set('capture', new Failure('unreachable', 'no route'))
  testHost.clock.passHours(1)
  await assert.rejects(backUp(stage))
  const failed = await statusOf(stage, app)
  assert.equal(failed.state, 'at risk')
  assert.ok(codesOf(failed).includes('run-failed'))
  assert.ok(codesOf(failed).includes('frozen'))
  place.faults.clear()
  await backUp(stage)
  assert.equal((await statusOf(stage, app)).state, 'proven')
  testHost.clock.passHours(1)
  await proveDrill(stage, point, false)
  assert.ok(codesOf(await statusOf(stage, app)).includes('drill-failed'))
})

test('a repository that cannot be read is never passed over', async (t) => {
  const stage = await stageFor(t)
  const point = await backUp(stage)
  await proveDrill(stage, point, true)
  const [first, second] = stage.app.repositories
  assert.ok(first !== undefined && second !== undefined)
  const away = { ...second, open: () => Promise.reject(new Failure('unreachable', 'it does not answer')) }
  const half = await statusOf(stage, { ...stage.app, repositories: [first, away] })
  assert.deepEqual([half.state, half.reasons[0]?.code], ['at risk', 'unread'])
  const none = await statusOf(stage, { ...stage.app, repositories: [away] })
  assert.equal(none.state, 'unknown')
})

test('a record of the last backup that cannot be read makes the state unknown', async (t) => {
  const stage = await stageFor(t)
  const point = await backUp(stage)
  await proveDrill(stage, point, true)
  for (const text of ['{', '{"outcome":"wonderful"}']) {
    await writeFile(join(stage.testHost.records, 'last-backup-portal.json'), text)
    assert.equal((await statusOf(stage, stage.app)).state, 'unknown', text)
  }
})

test('what is of another app says nothing of this one', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage)
  assert.equal((await statusOf(stage, { ...stage.app, name: 'other' })).state, 'unprotected')
})

test('a repository that no known private key opens is at risk, whatever else is well', async (t) => {
  const stage = await stageFor(t)
  await proveDrill(stage, await backUp(stage), true)
  const knowing = (known: () => Promise<readonly string[]>): App => ({
    ...stage.app,
    repositories: stage.app.repositories.map((target) => ({ ...target, knownRecipients: known })),
  })
  const closed = await statusOf(
    stage,
    knowing(() => Promise.resolve(['age1ofanother'])),
  )
  assert.deepEqual([closed.state, closed.reasons[0]?.code], ['at risk', 'closed'])
  assert.match(closed.nextStep ?? '', /holdfast init/)
  const unseen = knowing(() => Promise.reject(new Failure('denied', 'it may not be read')))
  assert.equal((await statusOf(stage, unseen)).state, 'proven')
})

test('what nothing proves of the newest backup is said in its commit and by status, until one is proven again', async (t) => {
  const stage = await stageFor(t)
  const [component] = stage.app.components
  assert.ok(component)
  const capture: typeof component.driver.capture = async (...given) => ({
    ...(await component.driver.capture(...given)),
    unproven: 'not compared with the live data',
  })
  const less = { ...stage.app, components: [{ ...component, driver: { ...component.driver, capture } }] }
  await backUp({ ...stage, app: less })
  const { reasons } = await statusOf(stage, less)
  assert.deepEqual(
    reasons.filter(({ code }) => code === 'not-compared').map(({ level, message }) => [level, message]),
    [1, 2].map(() => ['warning', 'less is proven: component database, not compared with the live data']),
  )
  await backUp(stage)
  assert.ok(!codesOf(await statusOf(stage, stage.app)).includes('not-compared'))
})
