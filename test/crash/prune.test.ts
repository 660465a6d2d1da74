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
  newWorkshop,
  otherPair,
  pair,
  readWhole,
  textComponent,
  type Workshop,
} from '../../src/operations/testing/workshop.ts'
import { rewrapAll } from '../../src/repository/keys/rewrap-all.ts'
import { crashEverywhere } from './matrix.ts'
import { assertAccounted, assertSound, listed } from './points.ts'

const idOf = (number: number): string => number.toString(16).padStart(32, '0')
/** Removed long ago, so that its data goes; the two that go now; the two that stay. */
const [EXPIRED, ...LATER] = [1, 2, 3, 4, 5].map(idOf)
const GOING = LATER.slice(0, 2)
const STAYING = LATER.slice(2)
const ALL = [EXPIRED ?? '', ...LATER]

function appOf(workshop: Workshop, effects?: Effects): App {
  return workshop.app([textComponent(new TextPlace('database', 'rows'))], effects)
}

async function backUp(workshop: Workshop): Promise<void> {
  const app = appOf(workshop)
  await runBackup(app, await planBackup(app, workshop.context()), workshop.context())
}

async function prunable(): Promise<Workshop> {
  const workshop = await newWorkshop()
  await backUp(workshop)
  await (await workshop.repository()).remove(ALL[0] ?? '', 'removed by the test', workshop.context())
  workshop.clock.passHours(100)
  for (const _ of LATER) {
    await backUp(workshop)
    workshop.clock.passHours(1)
  }
  return workshop
}

async function prune(workshop: Workshop, effects?: Effects): Promise<PruneReport> {
  const app = appOf(workshop, effects)
  const plan = await planPruneOf(app, await workshop.repository(), workshop.context())
  const [target] = app.repositories
  assert.ok(target !== undefined)
  return executePrune(app, target, plan.accept, workshop.context(effects))
}

/** The blobs that hold data, by point. */
async function withData(workshop: Workshop): Promise<string[]> {
  const [storage] = workshop.storages
  assert.ok(storage !== undefined)
  return [...new Set((await blobNames(storage, 'data/')).map((name) => name.split('/')[1] ?? ''))].sort()
}

test('a prune that dies anywhere keeps what it must, and the next one finishes', async (t) => {
  await crashEverywhere<Workshop, PruneReport>(t, {
    fresh: prunable,
    run: prune,
    async recover(workshop) {
      const catalog = await assertSound(workshop)
      assertAccounted(catalog, ALL)
      assert.deepEqual(
        listed(catalog).filter((point) => STAYING.includes(point)),
        STAYING,
      )
      await prune(workshop)
      assert.deepEqual(listed(await assertSound(workshop)), STAYING)
      assert.deepEqual(await withData(workshop), LATER, 'the grace time of what went now is not over')
      await assertComesBack(workshop)
      workshop.clock.passHours(97)
      await prune(workshop)
      workshop.clock.passHours(97)
      await prune(workshop)
      assert.deepEqual(await withData(workshop), listed(await assertSound(workshop)))
    },
    close: (workshop) => workshop.close(),
  })
})

async function assertComesBack(workshop: Workshop): Promise<void> {
  const repository = await workshop.repository()
  for (const point of GOING) await repository.undelete(point, workshop.context())
  assert.deepEqual(listed(await assertSound(workshop)), LATER)
}

test('an undeletion that dies anywhere leaves the point or its tombstone, and can be made again', async (t) => {
  const point = idOf(1)
  await crashEverywhere<Workshop, void>(t, {
    async fresh() {
      const workshop = await newWorkshop()
      await backUp(workshop)
      await backUp(workshop)
      await (await workshop.repository()).remove(point, 'removed by the test', workshop.context())
      return workshop
    },
    run: async (workshop, effects) =>
      (await workshop.repository(0, effects)).undelete(point, workshop.context(effects)),
    async recover(workshop) {
      const catalog = await assertSound(workshop)
      assertAccounted(catalog, [point, idOf(2)])
      const repository = await workshop.repository()
      if (!listed(catalog).includes(point)) await repository.undelete(point, workshop.context())
      // A tombstone that is left over must not cost the point its data when its time is over.
      workshop.clock.passHours(200)
      await repository.sweep(workshop.context())
      assert.deepEqual(listed(await assertSound(workshop)), [point, idOf(2)])
    },
    close: (workshop) => workshop.close(),
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
    const run = async (workshop: Workshop, effects?: Effects): Promise<number> =>
      rewrapAll(await workshop.repository(0, effects), identities, recipients, workshop.context(effects))
    await crashEverywhere<Workshop, number>(t, {
      async fresh() {
        const workshop = await newWorkshop()
        for (const _ of points) await backUp(workshop)
        return workshop
      },
      run,
      async recover(workshop) {
        await assertSound(workshop, 0, identities)
        for (const identity of before) await assertSound(workshop, 0, [identity])
        await run(workshop)
        for (const identity of after) await assertSound(workshop, 0, [identity])
        await assertOneGeneration(workshop, points)
        if (!after.includes(pair))
          await assert.rejects(readWhole(await workshop.repository(), idOf(1), workshop.context(), [pair]))
      },
      close: (workshop) => workshop.close(),
    })
  })
}

async function assertOneGeneration(workshop: Workshop, points: readonly string[]): Promise<void> {
  const [storage] = workshop.storages
  assert.ok(storage !== undefined)
  for (const point of points) assert.equal((await blobNames(storage, `data/${point}/keys-`)).length, 1, point)
}
