import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Driver } from '../../components/driver.ts'
import { Failure } from '../../core/failure.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { tampering, type TamperedStorage } from '../../storage/testing/tampering.ts'
import type { CatalogPoint, Repository } from '../../repository/repository.ts'
import type { OperationContext } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { listPoints } from '../points/list-points.ts'
import { textDriver, TextPlace } from '../testing/text-driver.ts'
import { asDriver, blobNames, newTestHost, otherPair, textComponent, type TestHost } from '../testing/test-host.ts'
import { executeVerify, type VerifyReport } from './execute.ts'

const POINT = '1'.padStart(32, '0')
const [FIRST, SECOND] = [1, 2].map((number) => `data/${POINT}/${String(number).padStart(6, '0')}`) as [string, string]

interface Stage {
  readonly testHost: TestHost
  readonly storage: TamperedStorage
}

async function stageFor(t: TestContext): Promise<Stage> {
  const storage = tampering(memoryStorage())
  const testHost = await newTestHost({ storages: [storage] })
  t.after(() => testHost.close())
  const app = testHost.app(
    [new TextPlace('database', 'rows '.repeat(100)), new TextPlace('files', 'a key')].map(textComponent),
  )
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  return { testHost, storage }
}

async function verify(
  { testHost }: Stage,
  { sample = 1, driver = asDriver(textDriver) }: { sample?: number; driver?: Driver } = {},
): Promise<VerifyReport> {
  const repository = await testHost.repository()
  const context = testHost.context()
  return executeVerify(repository, await theOne(repository, context), { sample, drivers: [driver] }, context)
}

async function theOne(repository: Repository, context: OperationContext): Promise<CatalogPoint> {
  const [point] = (await repository.catalog(context)).points
  assert.ok(point !== undefined)
  return point
}

/** What the report says is also what is signed. */
async function assertProof({ testHost }: Stage, ok: boolean): Promise<void> {
  const { points } = await (await testHost.repository()).catalog(testHost.context())
  assert.deepEqual(
    points[0]?.proofs.map((proof) => [proof.kind, proof.ok]),
    [['verify', ok]],
  )
}

test('a verify of an untouched point is green, and every archive was read', async (t) => {
  const stage = await stageFor(t)
  const report = await verify(stage)
  assert.equal(report.ok, true)
  assert.deepEqual(
    report.examined.map(({ component, ok }) => [component, ok]),
    [
      ['database', true],
      ['files', true],
    ],
  )
  await assertProof(stage, true)
})

const defects: Readonly<Record<string, (storage: TamperedStorage) => Promise<void>>> = {
  'an artifact is missing': (storage) => storage.lose(FIRST),
  'a bit in the middle of an artifact is flipped': (storage) => storage.flipBit(FIRST, 130),
  'the last bit of an artifact is flipped': (storage) => storage.flipBit(FIRST, -1),
  'an artifact is cut by one byte': (storage) => storage.change(FIRST, (bytes) => bytes.subarray(0, -1)),
  'two artifacts are exchanged': (storage) => storage.swap(FIRST, SECOND),
}

for (const [name, plant] of Object.entries(defects)) {
  test(`a verify is red when ${name}`, async (t) => {
    const stage = await stageFor(t)
    await plant(stage.storage)
    const report = await verify(stage)
    assert.equal(report.ok, false)
    const [first] = report.artifacts
    assert.equal(first?.ok, false)
    assert.ok(first.failure !== undefined)
    assert.deepEqual(report.examined, [], 'no tool is given what is not authentic')
    await assertProof(stage, false)
  })
}

test('a sample sees a missing artifact, whichever it reads', async (t) => {
  const stage = await stageFor(t)
  await stage.storage.lose(FIRST)
  const report = await verify(stage, { sample: 0.5 })
  assert.equal(report.ok, false)
  assert.equal(report.absent?.kind, 'corrupt')
  await assertProof(stage, false)
})

test('a verify is red when the tool cannot read an archive whose bytes are right', async (t) => {
  const stage = await stageFor(t)
  const driver = { ...asDriver(textDriver), examine: () => Promise.reject(new Failure('corrupt', 'the tool gave up')) }
  const report = await verify(stage, { driver })
  assert.equal(report.ok, false)
  assert.deepEqual(
    report.examined.map(({ ok }) => ok),
    [false, false],
  )
  await assertProof(stage, false)
})

test('no archive is called read where there is nothing to read it with', async (t) => {
  const { testHost } = await stageFor(t)
  const [repository, context] = [await testHost.repository(), testHost.context()]
  const report = await executeVerify(repository, await theOne(repository, context), { sample: 1, drivers: [] }, context)
  assert.deepEqual([report.ok, report.examined], [true, []])
})

test('a verify that is stopped leaves no proof', async (t) => {
  const stage = await stageFor(t)
  const repository = await stage.testHost.repository()
  const context = stage.testHost.context()
  const point = await theOne(repository, context)
  const stopped = { ...context, signal: AbortSignal.abort() }
  await assert.rejects(executeVerify(repository, point, { sample: 1, drivers: [asDriver(textDriver)] }, stopped))
  const { points } = await repository.catalog(context)
  assert.deepEqual(points[0]?.proofs, [])
})

const closed: Readonly<Record<string, (storage: TamperedStorage) => Promise<void>>> = {
  'a bit of the keys': (storage) => storage.flipBit(`data/${POINT}/keys-1`, 60),
  'the end of the keys': (storage) => storage.change(`data/${POINT}/keys-1`, (bytes) => bytes.subarray(0, -1)),
  'the head of the manifest': (storage) => storage.flipBit(`data/${POINT}/manifest`, 90),
  'the content of the manifest': (storage) => storage.flipBit(`data/${POINT}/manifest`, -1),
  'all of the manifest': (storage) => storage.lose(`data/${POINT}/manifest`),
  'all of the keys': (storage) => storage.lose(`data/${POINT}/keys-1`),
}

for (const [name, plant] of Object.entries(closed)) {
  test(`a verify finds that a point cannot be opened: ${name}`, async (t) => {
    const stage = await stageFor(t)
    await plant(stage.storage)
    const report = await verify(stage)
    assert.deepEqual([report.ok, report.failure?.kind, report.bytesRead, report.recorded], [false, 'corrupt', 0, true])
    assert.match(report.failure?.message ?? '', new RegExp(POINT))
    await assertProof(stage, false)
  })
}

test('a key of somebody else is no finding about the point', async (t) => {
  const stage = await stageFor(t)
  const context = { ...stage.testHost.context(), identities: () => Promise.resolve([otherPair]) }
  const repository = await stage.testHost.repository()
  const point = await theOne(repository, context)
  await assert.rejects(executeVerify(repository, point, { sample: 1, drivers: [] }, context), { kind: 'denied' })
  const damagedKey = () => Promise.reject(new Failure('corrupt', 'the file of the private key is damaged'))
  const broken = { ...context, identities: damagedKey }
  await assert.rejects(executeVerify(repository, point, { sample: 1, drivers: [] }, broken), { kind: 'corrupt' })
  assert.deepEqual((await theOne(repository, context)).proofs, [])
})

/** A storage that refuses to give some blobs. */
async function closing(stage: Stage, names: readonly string[]): Promise<Repository> {
  const repository = await stage.testHost.repository()
  return {
    ...repository,
    async open(point, identities, context) {
      const reader = await repository.open(point, identities, context)
      return {
        ...reader,
        read: (number, inner, count) =>
          names.some((name) => name.endsWith(String(number).padStart(6, '0')))
            ? failing(new Failure('denied', `artifact ${number} cannot be read`))
            : reader.read(number, inner, count),
      }
    },
  }
}

async function* failing(error: Error): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(0)
  throw error
}

test('an artifact that nobody may read proves nothing, and hides no damage', async (t) => {
  const stage = await stageFor(t)
  const context = stage.testHost.context()
  const repository = await closing(stage, [SECOND])
  const options = { sample: 1, drivers: [asDriver(textDriver)] }
  const point = await theOne(repository, context)
  await assert.rejects(executeVerify(repository, point, options, context), { kind: 'denied' })
  assert.deepEqual((await theOne(repository, context)).proofs, [])
  await stage.storage.flipBit(FIRST, -1)
  const report = await executeVerify(repository, point, options, context)
  assert.deepEqual(
    report.artifacts.map(({ failure }) => failure?.kind),
    ['corrupt', 'denied'],
  )
  await assertProof(stage, false)
})

test('a verdict that the repository does not take is told, kept here and stored by the next run', async (t) => {
  const stage = await stageFor(t)
  const { testHost, storage } = stage
  const context = testHost.context()
  await storage.flipBit(FIRST, -1)
  storage.put = () => Promise.reject(new Failure('refused', 'the disk is full'))
  const report = await verify(stage)
  assert.deepEqual(
    [report.ok, report.recorded, report.recordingFailure?.kind, report.keptHere],
    [false, false, 'refused', true],
  )
  const listing = await listPoints([testHost.app([])], context)
  assert.match(listing.points[0]?.failedProof ?? '', /verify of .* failed/)
  Reflect.deleteProperty(storage, 'put')
  await storage.flipBit(FIRST, -1)
  testHost.clock.passHours(1)
  assert.deepEqual([(await verify(stage)).ok, (await blobNames(storage, 'proofs/')).length], [true, 2])
})

test('only bytes that were read are counted', async (t) => {
  const stage = await stageFor(t)
  const { commit } = await theOne(await stage.testHost.repository(), stage.testHost.context())
  const sizes = commit.artifacts.map(({ size }) => size)
  assert.equal((await verify(stage)).bytesRead, sizes[0]! + sizes[1]!)
  await stage.storage.lose(FIRST)
  stage.testHost.clock.passHours(1)
  assert.equal((await verify(stage)).bytesRead, sizes[1])
})

test('a verify says what the point lacks', async (t) => {
  const testHost = await newTestHost({ storages: [tampering(memoryStorage())] })
  t.after(() => testHost.close())
  const app = testHost.app([new TextPlace('database', 'rows'), new TextPlace('files', undefined)].map(textComponent))
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  const report = await verify({ testHost, storage: tampering(memoryStorage()) })
  assert.deepEqual([report.ok, report.missing.map(({ name }) => name)], [true, ['files']])
})

test('the next backup stores what a verify could not', async (t) => {
  const stage = await stageFor(t)
  const { testHost, storage } = stage
  storage.put = () => Promise.reject(new Failure('refused', 'the disk is full'))
  assert.equal((await verify(stage)).recorded, false)
  Reflect.deleteProperty(storage, 'put')
  const app = testHost.app([textComponent(new TextPlace('database', 'rows'))])
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  assert.equal((await blobNames(storage, 'proofs/')).length, 1)
  await assertProof(stage, true)
})
