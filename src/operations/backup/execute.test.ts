import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { Storage } from '../../storage/storage.ts'
import { FaultyStorage } from '../../storage/testing/faulty.ts'
import type { App } from '../app.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { blobNames, newTestHost, readWhole, textComponent, type TestHost } from '../testing/test-host.ts'
import { backupOrder } from './order.ts'
import { planBackup } from './plan.ts'
import type { BackupReport } from './report.ts'
import { loadLastBackup, runBackup } from './run.ts'

const POINT = '1'.padStart(32, '0')
const ARTIFACT = `data/${POINT}/000001`
const full = new Failure('refused', 'the medium is full')
const broken = new Failure('toolFailed', 'the producer failed')

async function testHostFor(t: TestContext, storages: readonly Storage[]): Promise<TestHost> {
  const testHost = await newTestHost({ storages })
  t.after(() => testHost.close())
  return testHost
}

async function backUp(testHost: TestHost, places: readonly TextPlace[]): Promise<BackupReport> {
  const app = testHost.app(places.map(textComponent))
  return runBackup(app, await planBackup(app, testHost.context()), testHost.context())
}

function twoPlaces(): [TextPlace, TextPlace] {
  return [new TextPlace('database', 'rows and more rows'), new TextPlace('files', 'a key')]
}

async function pointsIn(testHost: TestHost, index = 0): Promise<string[]> {
  const { points } = await (await testHost.repository(index)).catalog(testHost.context())
  return points.map(({ point }) => point)
}

/** Nothing of the point is there: not listed, not stored. */
async function assertNothing(testHost: TestHost, storages: readonly Storage[]): Promise<void> {
  for (const [index, storage] of storages.entries()) {
    assert.deepEqual(await pointsIn(testHost, index), [])
    assert.deepEqual(await blobNames(storage, 'data/'), [])
  }
  assert.equal((await loadLastBackup(testHost.app([]), testHost.context()))?.outcome, 'failed')
}

test('every component is whole in every repository', async (t) => {
  const testHost = await testHostFor(t, [memoryStorage(), memoryStorage()])
  const report = await backUp(testHost, twoPlaces())
  assert.equal(report.outcome, 'done')
  assert.equal(report.truth, 'read back')
  for (const index of [0, 1]) {
    const { manifest, commit } = await readWhole(await testHost.repository(index), POINT, testHost.context())
    assert.deepEqual(
      manifest.components.map(({ name }) => name),
      ['database', 'files'],
    )
    assert.equal(commit.complete, true)
  }
  assert.equal((await loadLastBackup(testHost.app([]), testHost.context()))?.outcome, 'done')
})

for (const [method, fault] of [
  ['put', { type: 'instead', error: full }],
  ['get', { type: 'flip', at: 130 }],
  ['get', { type: 'truncate', after: 100 }],
] as const) {
  test(`a repository whose ${method} of an artifact goes wrong (${fault.type}) does not get the point; the other one does`, async (t) => {
    const good = memoryStorage()
    const bad = new FaultyStorage(memoryStorage()).fail(method, fault, ARTIFACT)
    const testHost = await testHostFor(t, [bad, good])
    const report = await backUp(testHost, twoPlaces())
    bad.assertAllFired()
    assert.equal(report.outcome, 'incomplete')
    assert.deepEqual(
      report.repositories.map(({ outcome }) => outcome),
      ['failed', 'committed'],
    )
    assert.ok(report.repositories[0]?.failure !== undefined)
    assert.deepEqual(await pointsIn(testHost, 0), [])
    assert.deepEqual(await blobNames(bad, 'data/'), [])
    await readWhole(await testHost.repository(1), POINT, testHost.context())
    assert.equal((await loadLastBackup(testHost.app([]), testHost.context()))?.outcome, 'incomplete')
  })

  test(`a backup whose only repository goes wrong at ${method} (${fault.type}) fails, and there is no point`, async (t) => {
    const bad = new FaultyStorage(memoryStorage()).fail(method, fault, ARTIFACT)
    const testHost = await testHostFor(t, [bad])
    await assert.rejects(backUp(testHost, twoPlaces()), Failure)
    bad.assertAllFired()
    await assertNothing(testHost, [bad])
  })
}

test('a disk without room for the commit alone keeps none of the data; any other failure of it leaves that to a sweep', async (t) => {
  const cause = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  const noRoom = new Failure('refused', 'the disk is full', { cause })
  const quota = new Failure('refused', 'no space left', { facts: { status: 507 } })
  const other = new Failure('denied', 'it may not be written')
  for (const [error, left] of [
    [noRoom, 0],
    [quota, 4],
    [other, 4],
  ] as const) {
    const bad = new FaultyStorage(memoryStorage()).fail('put', { type: 'instead', error }, `points/${POINT}.json`)
    const testHost = await testHostFor(t, [bad])
    await assert.rejects(backUp(testHost, twoPlaces()), { kind: error.kind })
    bad.assertAllFired()
    assert.equal((await blobNames(bad, 'data/')).length, left)
  }
})

test('when no repository can take it, the backup fails and names each with its reason', async (t) => {
  const storages = [0, 1].map(() =>
    new FaultyStorage(memoryStorage()).fail('put', { type: 'instead', error: full }, ARTIFACT),
  )
  const testHost = await testHostFor(t, storages)
  await assert.rejects(backUp(testHost, twoPlaces()), {
    kind: 'refused',
    message:
      /^no repository could take the restore point: repository-0: .*medium is full.*; repository-1: .*medium is full/,
  })
  await assertNothing(testHost, storages)
})

test('an order survives being stored', async (t) => {
  const testHost = await testHostFor(t, [memoryStorage()])
  const app = testHost.app(twoPlaces().map(textComponent))
  const plan = await planBackup(app, testHost.context(), { note: ' before the move ', hold: true })
  const order = backupOrder.parse(JSON.parse(JSON.stringify(plan)))
  const report = await runBackup(app, order, testHost.context())
  assert.deepEqual([report.point, report.note, report.held], [plan.point, 'before the move', true])
})

test('a backup of an app with background priority lets others go first', async (t) => {
  const testHost = await testHostFor(t, [memoryStorage()])
  const app: App = { ...testHost.app(twoPlaces().map(textComponent)), priority: 'background' }
  let lowered = 0
  const toBackground = (): Promise<void> => Promise.resolve(void (lowered += 1))
  await runBackup(app, await planBackup(app, testHost.context()), { ...testHost.context(), toBackground })
  assert.equal(lowered, 1)
})

test('what a capture comes upon is in the report, but for what is well', async (t) => {
  const testHost = await testHostFor(t, [memoryStorage()])
  const [database, files] = twoPlaces()
  const wrong = { level: 'error', subject: 'rows', message: 'refer to nothing' } as const
  database.foundAtCapture.push(wrong, { level: 'ok', subject: 'indexes', message: 'are whole' })
  assert.deepEqual((await backUp(testHost, [database, files])).findings, [wrong])
})

test('a component of which something could not be read is there, and the point is incomplete', async (t) => {
  const testHost = await testHostFor(t, [memoryStorage()])
  const [database, files] = twoPlaces()
  database.unreadable.push('Row 1 cannot be read', 'Row 2 cannot be read')
  const report = await backUp(testHost, [database, files])
  const reason = 'Row 1 cannot be read; and 1 more'
  assert.equal(report.outcome, 'incomplete')
  assert.deepEqual(
    report.components.map(({ outcome, notCaptured }) => [outcome, notCaptured]),
    [
      ['captured', database.unreadable],
      ['captured', []],
    ],
  )
  assert.deepEqual(report.findings, [{ level: 'error', subject: 'database', message: reason }])
  const { manifest, commit } = await readWhole(await testHost.repository(0), POINT, testHost.context())
  assert.deepEqual(manifest.missing, [{ name: 'database', kind: 'text', reason }])
  assert.deepEqual(manifest.components[0]?.notCaptured, database.unreadable)
  assert.equal(manifest.components[0]?.artifacts.length, 1)
  assert.equal(commit.complete, false)
})

test('a repository that cannot be opened is a failed one, and not the end', async (t) => {
  const testHost = await testHostFor(t, [memoryStorage(), memoryStorage()])
  const [first, second] = testHost.app([]).repositories
  assert.ok(first !== undefined && second !== undefined)
  const gone = { ...first, open: () => Promise.reject(new Failure('unreachable', 'nobody answers')) }
  const app = testHost.app(twoPlaces().map(textComponent), undefined, { repositories: [gone, second] })
  const plan = { app: app.name, point: POINT }
  const report = await runBackup(app, plan, testHost.context())
  assert.equal(report.outcome, 'incomplete')
  assert.deepEqual(await pointsIn(testHost, 1), [POINT])
})

test('a component whose producer fails after all its bytes flowed is not in the point, which says so', async (t) => {
  const testHost = await testHostFor(t, [memoryStorage()])
  const [database, files] = twoPlaces()
  database.faults.set('capture', broken)
  const report = await backUp(testHost, [database, files])
  assert.equal(report.outcome, 'incomplete')
  assert.deepEqual(
    report.components.map(({ name, outcome }) => [name, outcome]),
    [
      ['database', 'failed'],
      ['files', 'captured'],
    ],
  )
  const { manifest, commit } = await readWhole(await testHost.repository(), POINT, testHost.context())
  assert.equal(commit.complete, false)
  assert.deepEqual(
    manifest.components.map(({ name }) => name),
    ['files'],
  )
  assert.deepEqual(manifest.missing, [{ name: 'database', kind: 'text', reason: broken.message }])
})

test('a producer that fails after all its bytes flowed leaves no point when nothing else is captured', async (t) => {
  const storage = memoryStorage()
  const testHost = await testHostFor(t, [storage])
  const places = twoPlaces()
  for (const place of places) place.faults.set('capture', broken)
  await assert.rejects(backUp(testHost, places), { kind: 'toolFailed', message: /the producer failed/ })
  await assertNothing(testHost, [storage])
})

test('a producer that fails puts no blame on the repositories', async (t) => {
  const testHost = await testHostFor(t, [memoryStorage(), memoryStorage()])
  const [database, files] = twoPlaces()
  database.faults.set('capture', broken)
  const report = await backUp(testHost, [database, files])
  assert.deepEqual(
    report.repositories.map(({ outcome }) => outcome),
    ['committed', 'committed'],
  )
})
