import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { tampering } from '../../storage/testing/tampering.ts'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, ShiftedClock, textComponent } from '../testing/test-host.ts'
import { findPoint, parsePointChoice } from './find-point.ts'

const choices = {
  latest: { latest: true },
  '019aa1': { id: '019aa1' },
  '019aa1656e007d32b6c7d8e9f0011223': { id: '019aa1656e007d32b6c7d8e9f0011223' },
  '20261122': { id: '20261122' },
  '2026-11-22': { notAfter: new Date('2026-11-22T00:00:00Z') },
  '2026-11-22T02:00Z': { notAfter: new Date('2026-11-22T02:00:00Z') },
}

for (const [text, choice] of Object.entries(choices)) {
  test(`${text} is a choice of a point`, () => assert.deepEqual(parsePointChoice(text), choice))
}

for (const text of ['', 'newest', '019aa', '019AA1656E', '2026-13-45', 'yesterday', '1', 'a'.repeat(33)]) {
  test(`${JSON.stringify(text)} names no point`, () => assert.throws(() => parsePointChoice(text), { kind: 'usage' }))
}

test('latest is the newest complete point of all repositories; one that cannot be reached is passed over', async (t) => {
  const clock = new ShiftedClock()
  const testHost = await newTestHost({ clock, storages: [memoryStorage({ clock }), memoryStorage({ clock })] })
  t.after(() => testHost.close())
  const place = new TextPlace('database', 'rows')
  const files = new TextPlace('files', 'a key')
  const whole = testHost.app([textComponent(place), textComponent(files)])
  const [first, second] = whole.repositories
  assert.ok(first !== undefined && second !== undefined)
  const back = async (app: App): Promise<string> => {
    clock.passHours(1)
    return (await runBackup(app, await planBackup(app, testHost.context()), testHost.context())).point
  }
  const older = await back(whole)
  const newer = await back({ ...whole, repositories: [second] })
  files.faults.set('capture', new Failure('toolFailed', 'it broke'))
  const incomplete = await back(whole)
  const find = async (text: string, app = whole): Promise<string> =>
    (await findPoint(app, parsePointChoice(text), testHost.context())).point.point
  assert.equal(await find('latest'), newer)
  assert.equal(await find(incomplete), incomplete, 'who names an incomplete point gets it')
  const gone = { ...second, open: () => Promise.reject(new Failure('unreachable', 'nobody answers')) }
  assert.equal(await find('latest', { ...whole, repositories: [first, gone] }), older)
  await assert.rejects(find('latest', { ...whole, repositories: [gone] }), { kind: 'unreachable' })
  await assert.rejects(find('000000'), { kind: 'usage', message: /start of 2 restore points/ })
  await assert.rejects(find('2020-01-01'), { kind: 'notFound' })
})

test('a point that cannot be read is passed over by latest, and named', async (t) => {
  const storage = tampering(memoryStorage())
  const testHost = await newTestHost({ storages: [storage] })
  t.after(() => testHost.close())
  const app = testHost.app([textComponent(new TextPlace('database', 'rows'))])
  const points: string[] = []
  for (let count = 0; count < 2; count += 1)
    points.push((await runBackup(app, await planBackup(app, testHost.context()), testHost.context())).point)
  await storage.flipBit(`points/${points[1]}.json`, -2)
  const { point } = await findPoint(app, { latest: true }, testHost.context())
  assert.equal(point.point, points[0])
  assert.ok(
    testHost.events.some((event) => event.type === 'warning' && event.message.includes(`restore point ${points[1]}`)),
  )
})
