import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toFailure } from '../../core/failure.ts'
import type { Storage } from '../../storage/storage.ts'
import { noMemory } from '../memory.ts'
import { commitName, tombstoneName } from '../names.ts'
import type { Repository } from '../repository.ts'
import { allNames, begin, capture, makePoint, newFixture, readBlobOf, type Fixture } from '../testing/fixture.ts'

const HOUR = 3_600_000
const pass = (fixture: Fixture, hours: number): Promise<void> => fixture.clock.advance(hours * HOUR, hours * HOUR)

/** A storage that stops for good after `changes` changes, as if the process had died. */
function dyingAfter(storage: Storage, changes: number): Storage {
  let left = changes
  const change = async <Result>(act: () => Promise<Result>): Promise<Result> => {
    if (left === 0) throw new Error('died')
    left -= 1
    return act()
  }
  return {
    location: storage.location,
    features: storage.features,
    put: (name, body, signal) => change(() => storage.put(name, body, signal)),
    remove: (name, signal) => change(() => storage.remove(name, signal)),
    get: (name, signal, range) => storage.get(name, signal, range),
    stat: (name, signal) => storage.stat(name, signal),
    list: (prefix, signal) => storage.list(prefix, signal),
    now: (signal) => storage.now(signal),
  }
}

/** Runs an act against a storage that dies at each of its changes in turn, and checks the world after each death. */
async function atEachDeath(
  prepare: () => Promise<{ fixture: Fixture; point: string }>,
  act: (repository: Repository, point: string, fixture: Fixture) => Promise<unknown>,
  check: (fixture: Fixture, point: string, died: boolean) => Promise<void>,
): Promise<number> {
  for (let changes = 0; changes < 20; changes += 1) {
    const { fixture, point } = await prepare()
    const died = await act(await fixture.reopen({}, dyingAfter(fixture.storage, changes)), point, fixture).then(
      () => false,
      (error: unknown) => toFailure(error).message === 'died' || Promise.reject(error),
    )
    await check(fixture, point, died)
    if (!died) return changes
  }
  throw new Error('never finished')
}

async function prepared(): Promise<{ fixture: Fixture; point: string }> {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  return { fixture, point }
}

test('a removed point is gone at once, can be undeleted for 72 h, and its data goes after that', async () => {
  const { fixture, point } = await prepared()
  const { repository, context, pair, storage } = fixture
  await repository.prove(point, 'verify', { ok: true, facts: {} }, context)
  const before = await allNames(storage)
  const tombstone = await repository.remove(point, 'too old', context)
  assert.equal(Date.parse(tombstone.until) - fixture.clock.now().getTime(), 72 * HOUR)
  const { points, removed, alarms } = await repository.catalog(context)
  assert.deepEqual([points, removed.map((entry) => entry.reason), alarms], [[], ['too old'], []])
  await assert.rejects(repository.open(point, [pair], context), { kind: 'notFound' })
  await repository.undelete(point, context)
  assert.deepEqual(await allNames(storage), before)
  await repository.open(point, [pair], context)

  await repository.remove(point, 'too old', context)
  await pass(fixture, 71)
  assert.equal((await repository.sweep(context)).removedBlobs, 0)
  await pass(fixture, 1)
  const report = await repository.sweep(context)
  assert.equal(report.removedBlobs, 4)
  assert.ok(report.removedBytes > 300)
  assert.deepEqual(
    (await allNames(storage)).filter((name) => name.includes(point)),
    [tombstoneName(point)],
  )
  await assert.rejects(repository.undelete(point, context), { kind: 'refused' })
  assert.deepEqual((await repository.catalog(context)).alarms, [])
  assert.equal((await repository.sweep(context)).removedBlobs, 0)
})

test('a tombstone keeps the chain', async () => {
  const { fixture, point } = await prepared()
  await fixture.repository.remove(point, 'reason', fixture.context)
  const next = await makePoint({
    ...fixture,
    repository: await fixture.reopen({
      memory: { ...noMemory, load: async () => ({ points: {}, highestSequence: 0 }) },
    }),
  })
  const { points } = await fixture.repository.catalog(fixture.context)
  assert.deepEqual(
    points.map(({ point, commit }) => [point, commit.sequence]),
    [[next.point, 2]],
  )
})

test('to remove twice, and to remove or undelete what never was', async () => {
  const { fixture, point } = await prepared()
  const { repository, context } = fixture
  const first = await repository.remove(point, 'first', context)
  await pass(fixture, 1)
  assert.deepEqual(await repository.remove(point, 'second', context), first)
  await assert.rejects(repository.remove('a'.repeat(32), 'x', context), { kind: 'notFound' })
  await assert.rejects(repository.undelete('a'.repeat(32), context), { kind: 'notFound' })
})

test('a removal that dies has removed nothing or can be undeleted, and is repeated by calling it again', async () => {
  const deaths = await atEachDeath(
    prepared,
    (repository, point, { context }) => repository.remove(point, 'reason', context),
    async (fixture, point) => {
      const { repository, context, clock, pair } = fixture
      const exists = (await allNames(fixture.storage)).includes(commitName(point))
      assert.equal((await repository.catalog(context)).points.length, exists ? 1 : 0)
      if (!exists) await repository.undelete(point, context)
      await repository.open(point, [pair], context)
      await pass(fixture, 100)
      const { until } = await repository.remove(point, 'again', context)
      assert.equal(Date.parse(until) - clock.now().getTime(), 72 * HOUR, 'the grace begins anew')
      await repository.sweep(context)
      await repository.undelete(point, context)
      await repository.open(point, [pair], context)
    },
  )
  assert.equal(deaths, 3)
})

test('an undeletion that dies loses nothing, and is repeated by calling it again', async () => {
  const removed = async (): Promise<{ fixture: Fixture; point: string }> => {
    const { fixture, point } = await prepared()
    await fixture.repository.remove(point, 'reason', fixture.context)
    return { fixture, point }
  }
  await atEachDeath(
    removed,
    (repository, point, { context }) => repository.undelete(point, context),
    async (fixture, point, died) => {
      if (died) await fixture.repository.undelete(point, fixture.context)
      await pass(fixture, 200)
      await fixture.repository.sweep(fixture.context)
      await (await fixture.repository.open(point, [fixture.pair], fixture.context)).checkPresence(fixture.context)
    },
  )
})

test('a sweep that dies is finished by the next, and nothing half-removed can be undeleted', async () => {
  const expired = async (): Promise<{ fixture: Fixture; point: string }> => {
    const { fixture, point } = await prepared()
    await fixture.repository.remove(point, 'reason', fixture.context)
    await pass(fixture, 73)
    return { fixture, point }
  }
  const deaths = await atEachDeath(
    expired,
    (repository, _point, { context }) => repository.sweep(context),
    async (fixture, point) => {
      const { repository, context, storage } = fixture
      const data = await allNames(storage, `data/${point}/`)
      if (data.length < 3) await assert.rejects(repository.undelete(point, context), { kind: 'refused' })
      await repository.sweep(context)
      assert.deepEqual(
        (await allNames(storage)).filter((name) => name.includes(point)),
        [tombstoneName(point)],
      )
    },
  )
  assert.equal(deaths, 3)
})

test('data that nothing names goes after 96 h, but not that of a backup that is still writing', async () => {
  const { fixture, point } = await prepared()
  const { repository, context, storage } = fixture
  const dead = await begin(fixture)
  await capture(dead, 'left behind')
  const running = await begin(fixture)
  const first = await capture(running, 'first hour', 'one')
  await pass(fixture, 95)
  assert.equal((await repository.sweep(context)).removedBlobs, 0)
  await pass(fixture, 2)
  const second = await capture(running, 'last hour', 'two')
  assert.equal((await repository.sweep(context)).removedBlobs, 1)
  await running.commit({ components: [first, second], missing: [], created: fixture.clock.now() })
  await (await repository.open(running.point, [fixture.pair], context)).checkPresence(context)
  await (await repository.open(point, [fixture.pair], context)).checkPresence(context)
  await storage.put(`data/${point}/000009`, Buffer.from('not named by the commit'), context.signal)
  await pass(fixture, 97)
  assert.equal((await repository.sweep(context)).removedBlobs, 1)
  await (await repository.open(point, [fixture.pair], context)).checkPresence(context)
})

test('an old commit that somebody puts back does not lose its data to the sweep', async () => {
  const { fixture, point } = await prepared()
  const { repository, context, storage } = fixture
  const commit = await readBlobOf(storage, commitName(point))
  await repository.remove(point, 'reason', context)
  await pass(fixture, 100)
  await storage.put(commitName(point), commit, context.signal)
  assert.equal((await repository.sweep(context)).removedBlobs, 0)
})
