import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Effects } from '../../src/core/ports.ts'
import type { App } from '../../src/operations/app.ts'
import { planBackup } from '../../src/operations/backup/plan.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import { executePrune, planPruneOf, type PruneReport } from '../../src/operations/prune/execute.ts'
import { TextPlace } from '../../src/operations/testing/text-driver.ts'
import {
  blobNames,
  newTestHost,
  otherPair,
  pair,
  readWhole,
  textComponent,
  type TestHost,
} from '../../src/operations/testing/test-host.ts'
import { rewrapAll } from '../../src/repository/keys/rewrap-all.ts'
import { crashEverywhere } from './matrix.ts'
import { assertAccounted, assertSound, listed } from './points.ts'

const idOf = (number: number): string => number.toString(16).padStart(32, '0')
/** Removed long ago, so that its data goes; the two that go now; the two that stay. */
const [EXPIRED, ...LATER] = [1, 2, 3, 4, 5].map(idOf)
const GOING = LATER.slice(0, 2)
const STAYING = LATER.slice(2)
const ALL = [EXPIRED ?? '', ...LATER]

function appOf(testHost: TestHost, effects?: Effects): App {
  return testHost.app([textComponent(new TextPlace('database', 'rows'))], effects)
}

async function backUp(testHost: TestHost): Promise<void> {
  const app = appOf(testHost)
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
}

async function prunable(): Promise<TestHost> {
  const testHost = await newTestHost()
  await backUp(testHost)
  await (await testHost.repository()).remove(ALL[0] ?? '', 'removed by the test', testHost.context())
  testHost.clock.passHours(100)
  for (const _ of LATER) {
    await backUp(testHost)
    testHost.clock.passHours(1)
  }
  return testHost
}

async function prune(testHost: TestHost, effects?: Effects): Promise<PruneReport> {
  const app = appOf(testHost, effects)
  const plan = await planPruneOf(app, await testHost.repository(), testHost.context())
  const [target] = app.repositories
  assert.ok(target !== undefined)
  return executePrune(app, target, plan.accept, testHost.context(effects))
}

/** The blobs that hold data, by point. */
async function withData(testHost: TestHost): Promise<string[]> {
  const [storage] = testHost.storages
  assert.ok(storage !== undefined)
  return [...new Set((await blobNames(storage, 'data/')).map((name) => name.split('/')[1] ?? ''))].sort()
}

test('a prune that dies anywhere keeps what it must, and the next one finishes', async (t) => {
  await crashEverywhere<TestHost, PruneReport>(t, {
    fresh: prunable,
    run: prune,
    async recover(testHost) {
      const catalog = await assertSound(testHost)
      assertAccounted(catalog, ALL)
      assert.deepEqual(
        listed(catalog).filter((point) => STAYING.includes(point)),
        STAYING,
      )
      await prune(testHost)
      assert.deepEqual(listed(await assertSound(testHost)), STAYING)
      assert.deepEqual(await withData(testHost), LATER, 'the grace time of what went now is not over')
      await assertComesBack(testHost)
      testHost.clock.passHours(97)
      await prune(testHost)
      testHost.clock.passHours(97)
      await prune(testHost)
      assert.deepEqual(await withData(testHost), listed(await assertSound(testHost)))
    },
    close: (testHost) => testHost.close(),
  })
})

async function assertComesBack(testHost: TestHost): Promise<void> {
  const repository = await testHost.repository()
  for (const point of GOING) await repository.undelete(point, testHost.context())
  assert.deepEqual(listed(await assertSound(testHost)), LATER)
}

test('an undeletion that dies anywhere leaves the point or its tombstone, and can be made again', async (t) => {
  const point = idOf(1)
  await crashEverywhere<TestHost, void>(t, {
    async fresh() {
      const testHost = await newTestHost()
      await backUp(testHost)
      await backUp(testHost)
      await (await testHost.repository()).remove(point, 'removed by the test', testHost.context())
      return testHost
    },
    run: async (testHost, effects) =>
      (await testHost.repository(0, effects)).undelete(point, testHost.context(effects)),
    async recover(testHost) {
      const catalog = await assertSound(testHost)
      assertAccounted(catalog, [point, idOf(2)])
      const repository = await testHost.repository()
      if (!listed(catalog).includes(point)) await repository.undelete(point, testHost.context())
      // A tombstone that is left over must not cost the point its data when its time is over.
      testHost.clock.passHours(200)
      await repository.sweep(testHost.context())
      assert.deepEqual(listed(await assertSound(testHost)), [point, idOf(2)])
    },
    close: (testHost) => testHost.close(),
  })
})

const rewraps = {
  'a key that is added': {
    recipients: [pair.recipient, otherPair.recipient],
    identities: [pair],
    before: [pair],
    after: [pair, otherPair],
  },
  'a key that replaces another': {
    recipients: [otherPair.recipient],
    identities: [pair, otherPair],
    before: [],
    after: [otherPair],
  },
}

for (const [name, { recipients, identities, before, after }] of Object.entries(rewraps)) {
  test(`${name}, cut off anywhere, leaves every point readable, and the next run finishes`, async (t) => {
    const points = [idOf(1), idOf(2)]
    const run = async (testHost: TestHost, effects?: Effects): Promise<number> =>
      rewrapAll(await testHost.repository(0, effects), identities, recipients, testHost.context(effects))
    await crashEverywhere<TestHost, number>(t, {
      async fresh() {
        const testHost = await newTestHost()
        for (const _ of points) await backUp(testHost)
        return testHost
      },
      run,
      async recover(testHost) {
        await assertSound(testHost, 0, identities)
        for (const identity of before) await assertSound(testHost, 0, [identity])
        await run(testHost)
        for (const identity of after) await assertSound(testHost, 0, [identity])
        await assertOneGeneration(testHost, points)
        if (!after.includes(pair))
          await assert.rejects(readWhole(await testHost.repository(), idOf(1), testHost.context(), [pair]))
      },
      close: (testHost) => testHost.close(),
    })
  })
}

async function assertOneGeneration(testHost: TestHost, points: readonly string[]): Promise<void> {
  const [storage] = testHost.storages
  assert.ok(storage !== undefined)
  for (const point of points) {
    const names = await blobNames(storage, `data/${point}/keys-`)
    const [generation, ...others] = names.filter((name) => !name.endsWith('.sha256'))
    assert.deepEqual(others, [], point)
    assert.deepEqual(names, generation?.endsWith('-1') ? [generation] : [generation, `${generation}.sha256`], point)
  }
}
