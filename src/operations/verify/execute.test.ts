import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Driver } from '../../components/driver.ts'
import { Failure } from '../../core/failure.ts'
import { memoryStorage } from '../../storage/memory/memory.ts'
import { tampering, type TamperedStorage } from '../../storage/testing/tampering.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { textDriver, TextPlace } from '../testing/text-driver.ts'
import { asDriver, newWorkshop, pair, textComponent, type Workshop } from '../testing/workshop.ts'
import { executeVerify, type VerifyReport } from './execute.ts'
import { planVerify } from './plan.ts'

const POINT = '1'.padStart(32, '0')
const [FIRST, SECOND] = [1, 2].map((number) => `data/${POINT}/${String(number).padStart(6, '0')}`) as [string, string]

interface Stage {
  readonly workshop: Workshop
  readonly storage: TamperedStorage
}

async function stageFor(t: TestContext): Promise<Stage> {
  const storage = tampering(memoryStorage())
  const workshop = await newWorkshop({ storages: [storage] })
  t.after(() => workshop.close())
  const app = workshop.app(
    [new TextPlace('database', 'rows '.repeat(100)), new TextPlace('files', 'a key')].map(textComponent),
  )
  await runBackup(app, await planBackup(app, workshop.context()), workshop.context())
  return { workshop, storage }
}

async function verify(
  { workshop }: Stage,
  { sample = 1, driver = asDriver(textDriver) }: { sample?: number; driver?: Driver } = {},
): Promise<VerifyReport> {
  const repository = await workshop.repository()
  const context = workshop.context()
  const reader = await repository.open(POINT, [pair], context)
  return executeVerify(repository, reader, [driver], planVerify(reader, sample, context), context)
}

/** What the report says is also what is signed. */
async function assertProof({ workshop }: Stage, ok: boolean): Promise<void> {
  const { points } = await (await workshop.repository()).catalog(workshop.context())
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

test('a verify that is stopped leaves no proof', async (t) => {
  const stage = await stageFor(t)
  const repository = await stage.workshop.repository()
  const context = stage.workshop.context()
  const reader = await repository.open(POINT, [pair], context)
  const stopped = { ...context, signal: AbortSignal.abort() }
  await assert.rejects(
    executeVerify(repository, reader, [asDriver(textDriver)], planVerify(reader, 1, context), stopped),
  )
  const { points } = await repository.catalog(context)
  assert.deepEqual(points[0]?.proofs, [])
})
