import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { fileFailure } from '../../storage/filesystem/failures.ts'
import type { Storage } from '../../storage/storage.ts'
import { settled } from '../testing/fake-clock.ts'
import { allNames, newFixture, type Fixture } from '../testing/fixture.ts'

const TTL = 90_000
const generations = async ({ storage }: Fixture): Promise<number[]> =>
  (await allNames(storage, 'leases/prune/')).map((name) => Number(name.slice(-15, -5)))

async function ended(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'taken',
    (error: unknown) => (error instanceof Failure ? error.kind : String(error)),
  )
}

/** A storage that a test can cut off. */
function cuttable(storage: Storage): { storage: Storage; cut: { isCut: boolean } } {
  const cut = { isCut: false }
  const through = <Result>(act: () => Promise<Result>): Promise<Result> =>
    cut.isCut ? Promise.reject(new Failure('unreachable', 'cut off')) : act()
  return {
    cut,
    storage: {
      location: storage.location,
      features: storage.features,
      put: (name, body, signal) => through(() => storage.put(name, body, signal)),
      remove: (name, signal) => through(() => storage.remove(name, signal)),
      get: (name, signal, range) => through(() => storage.get(name, signal, range)),
      stat: (name, signal) => through(() => storage.stat(name, signal)),
      list: (prefix, signal) => storage.list(prefix, signal),
      now: (signal) => storage.now(signal),
    },
  }
}

test('a lease is exclusive, renewed while it is held, and free once it is released', async () => {
  const fixture = await newFixture()
  const { repository, context, clock } = fixture
  const lease = await repository.lease('prune', context)
  lease.assertHeld()
  await clock.advance(10 * TTL)
  lease.assertHeld()
  assert.ok(lease.generation > 20, `generation ${lease.generation}`)
  assert.equal((await generations(fixture)).length, 3)
  await assert.rejects(repository.lease('prune', context, { wait: false }), { kind: 'locked', message: /^here holds/ })
  const other = await repository.lease('other', context)
  await lease.release()
  await lease.release()
  assert.throws(() => lease.assertHeld(), { kind: 'locked' })
  assert.equal(lease.lost.aborted, false)
  const next = await repository.lease('prune', context, { wait: false })
  assert.equal(next.generation, lease.generation + 1)
  await Promise.all([next.release(), other.release()])
})

test('who waits for a living holder is locked out as soon as it shows life', async () => {
  const fixture = await newFixture()
  const { repository, context, clock } = fixture
  const lease = await repository.lease('prune', context)
  const contender = ended(repository.lease('prune', context))
  const begun = clock.monotonic()
  assert.equal(await clock.until(contender), 'locked')
  // The holder renews at a third of its time, and the contender looks soon after.
  assert.ok(clock.monotonic() - begun < TTL / 2, `after ${clock.monotonic() - begun} ms`)
  assert.ok(fixture.events.some((event) => event.type === 'note' && /watching/.test(event.message)))
  await lease.release()
})

test('a dead holder is taken over after its time-to-live, whatever its clock said, and never before', async () => {
  const fixture = await newFixture()
  const { context, clock, storage } = fixture
  const { cut, storage: theirs } = cuttable(storage)
  const dead = await (await fixture.reopen({}, theirs)).lease('prune', context)
  cut.isCut = true
  clock.wallOffset += 3_600_000
  let isTaken = false
  const contender = fixture.repository.lease('prune', context).finally(() => (isTaken = true))
  await settled()
  await clock.advance(TTL - 2000)
  assert.equal(isTaken, false)
  assert.equal(dead.lost.aborted, true, 'the old holder has given up before')
  const taken = await clock.until(contender, 20_000)
  assert.equal(taken.generation, dead.generation + 1)
  await taken.release()
  await dead.release()
})

test('a holder that cannot renew gives up at two thirds of its time, while nobody can have taken over', async () => {
  const fixture = await newFixture()
  const { context, clock } = fixture
  const { cut, storage } = cuttable(fixture.storage)
  const lease = await (await fixture.reopen({}, storage)).lease('prune', context)
  cut.isCut = true
  await clock.advance((TTL * 2) / 3 - 1000)
  lease.assertHeld()
  await clock.advance(2000)
  assert.throws(() => lease.assertHeld(), { kind: 'locked' })
  assert.equal(lease.lost.aborted, true)
  assert.equal(lease.lost.reason.kind, 'locked')
  await lease.release()
})

test('a storage that comes back in time does not cost the lease', async () => {
  const fixture = await newFixture()
  const { context, clock } = fixture
  const { cut, storage } = cuttable(fixture.storage)
  const lease = await (await fixture.reopen({}, storage)).lease('prune', context)
  await clock.advance(29_000)
  cut.isCut = true
  await clock.advance(15_000)
  cut.isCut = false
  await clock.advance(200_000)
  lease.assertHeld()
  await lease.release()
})

test('a process that was stopped and goes on does not act, by either of its clocks', async () => {
  for (const skip of ['monotonic', 'wall'] as const) {
    const fixture = await newFixture()
    const lease = await fixture.repository.lease('prune', fixture.context)
    if (skip === 'wall') fixture.clock.wallOffset += 600_000
    else fixture.clock.skip(600_000)
    assert.throws(() => lease.assertHeld(), { kind: 'locked' }, skip)
    assert.equal(lease.lost.aborted, true)
    await lease.release()
  }
})

test('of contenders at the same moment exactly one gets it', async () => {
  const fixture = await newFixture()
  const attempts = Array.from({ length: 5 }, () => fixture.repository.lease('prune', fixture.context, { wait: false }))
  const outcomes = await Promise.all(attempts.map(ended))
  assert.deepEqual(outcomes.sort(), ['locked', 'locked', 'locked', 'locked', 'taken'])
  for (const attempt of await Promise.allSettled(attempts))
    if (attempt.status === 'fulfilled') await attempt.value.release()
})

test('a renewal whose acknowledgement is lost keeps the lease, and one that finds its name taken loses it', async () => {
  const fixture = await newFixture()
  const { context, clock, storage } = fixture
  let lose = true
  const losing: Storage = {
    ...cuttable(storage).storage,
    put: async (name, body, signal) => {
      const info = await storage.put(name, body, signal)
      if (lose) throw new Failure('unreachable', 'connection reset')
      return info
    },
  }
  const lease = await (await fixture.reopen({}, losing)).lease('prune', context)
  await clock.advance(200_000)
  lease.assertHeld()
  lose = false
  const next = `leases/prune/${String(lease.generation + 1).padStart(10, '0')}.json`
  await storage.put(next, Buffer.from('{}'), context.signal)
  await clock.advance(31_000)
  assert.throws(() => lease.assertHeld(), { kind: 'locked' })
  await lease.release()
})

test('a lease that cannot be read is held by somebody until it is seen not to be', async () => {
  const fixture = await newFixture()
  const { repository, context, clock, storage } = fixture
  await storage.put('leases/prune/0000000007.json', Buffer.from('damaged'), context.signal)
  await assert.rejects(repository.lease('prune', context, { wait: false }), { kind: 'locked' })
  const contender = repository.lease('prune', context)
  await settled()
  const lease = await clock.until(contender, TTL + 20_000)
  assert.equal(lease.generation, 8)
  await lease.release()
})

test('a full disk or a missing right is not another process, when a lease is taken and when it is renewed', async () => {
  for (const [code, kind] of [
    ['ENOSPC', 'refused'],
    ['EDQUOT', 'refused'],
    ['EMFILE', 'refused'],
    ['EACCES', 'denied'],
    ['EROFS', 'denied'],
  ] as const) {
    const fixture = await newFixture()
    const { context, clock, storage, events } = fixture
    const failure = fileFailure(Object.assign(new Error('x'), { code }), 'put leases/prune', '/srv')
    let isFull = true
    const put: Storage['put'] = (name, body, signal) =>
      isFull ? Promise.reject(failure) : storage.put(name, body, signal)
    const limited: Storage = { ...cuttable(storage).storage, put }
    const repository = await fixture.reopen({}, limited)
    await assert.rejects(repository.lease('prune', context), (error) => error === failure && failure.kind === kind)
    isFull = false
    const lease = await repository.lease('prune', context)
    isFull = true
    await clock.advance(TTL / 3 + 1000)
    lease.assertHeld()
    assert.ok(events.some((event) => event.type === 'warning' && event.message.includes(failure.message)))
    isFull = false
    await clock.advance(TTL / 2)
    lease.assertHeld()
    await lease.release()
  }
})
