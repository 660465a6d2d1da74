import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { FaultyStorage } from '../../storage/testing/faulty.ts'
import { readOnly } from '../../storage/wrap/read-only.ts'
import { openRepository } from '../open.ts'
import type { Repository } from '../repository.ts'
import { allNames, makePoint, newFixture, type Fixture } from '../testing/fixture.ts'

const RED = { ok: false, facts: { bytesRead: 1 } }

async function about(repository: Repository, { context }: Fixture) {
  const { points } = await repository.catalog(context)
  assert.ok(points[0] !== undefined)
  return points[0]
}

async function kinds(repository: Repository, { context }: Fixture): Promise<unknown[]> {
  const { points, alarms } = await repository.catalog(context)
  assert.deepEqual(alarms, [])
  return points[0]?.proofs.map(({ kind, ok, facts }) => [kind, ok, facts]) ?? []
}

test('what the repository takes is recorded there', async () => {
  const fixture = await newFixture()
  await makePoint(fixture)
  const { repository, context } = fixture
  assert.deepEqual(await repository.record(await about(repository, fixture), 'verify', RED, context), {
    recorded: true,
  })
  assert.equal((await allNames(fixture.storage, 'proofs/')).length, 1)
  assert.deepEqual((await fixture.memory.keptProofs(repository.id)).proofs, [])
  assert.deepEqual(await kinds(repository, fixture), [['verify', false, RED.facts]])
})

test('what it does not take is kept here, counts here, and is stored later', async () => {
  const fixture = await newFixture()
  await makePoint(fixture)
  const { storage, context } = fixture
  const locked = await fixture.reopen({}, readOnly(storage))
  const recording = await locked.record(await about(locked, fixture), 'drill', RED, context)
  assert.ok(!recording.recorded)
  assert.deepEqual([recording.keptHere, recording.failure.kind], [true, 'refused'])
  assert.deepEqual(await allNames(storage, 'proofs/'), [])
  const expected = [['drill', false, RED.facts]]
  for (const seen of [locked, await fixture.reopen()]) assert.deepEqual(await kinds(seen, fixture), expected)
  assert.deepEqual(
    (await locked.storeKeptProofs(context)).map(({ kind }) => kind),
    ['refused'],
  )
  const { repository } = fixture
  assert.deepEqual(await repository.storeKeptProofs(context), [])
  assert.equal((await allNames(storage, 'proofs/')).length, 1)
  assert.deepEqual((await fixture.memory.keptProofs(repository.id)).proofs, [])
  assert.deepEqual(await kinds(repository, fixture), expected)
})

test('a proof of which only the answer was lost is there once', async () => {
  const fixture = await newFixture()
  await makePoint(fixture)
  const broken = new FaultyStorage(fixture.storage).fail('put', {
    type: 'after',
    error: new Failure('unreachable', 'gone'),
  })
  const repository = await fixture.reopen({}, broken)
  assert.deepEqual(await repository.record(await about(repository, fixture), 'verify', RED, fixture.context), {
    recorded: true,
  })
  broken.assertAllFired()
  assert.equal((await kinds(repository, fixture)).length, 1)
})

test('without a signing key nothing is kept, and the verdict is still told', async () => {
  const fixture = await newFixture()
  await makePoint(fixture)
  const { memory, storage, signer, context } = fixture
  const options = { memory, trustedSigners: [signer.id], software: 'holdfast test' }
  const reader = await openRepository(storage, options, context)
  const recording = await reader.record(await about(reader, fixture), 'verify', RED, fixture.context)
  assert.ok(!recording.recorded)
  assert.deepEqual([recording.keptHere, recording.failure.kind], [false, 'usage'])
})

test('where this machine cannot keep it either, that is told as well', async () => {
  const fixture = await newFixture()
  await makePoint(fixture)
  const full = { ...fixture.memory, keepProof: () => Promise.reject(new Error('disk full')) }
  const repository = await fixture.reopen({ memory: full }, readOnly(fixture.storage))
  const recording = await repository.record(await about(repository, fixture), 'verify', RED, fixture.context)
  assert.ok(!recording.recorded && !recording.keptHere)
  assert.ok(fixture.events.some((event) => event.type === 'warning' && event.message.includes('disk full')))
})

test('a proof that was cut short by Ctrl-C is kept', async () => {
  const fixture = await newFixture()
  await makePoint(fixture)
  const { repository, context } = fixture
  const point = await about(repository, fixture)
  const stopped = { ...context, signal: AbortSignal.abort() }
  await assert.rejects(repository.record(point, 'verify', RED, stopped))
  assert.deepEqual(await kinds(repository, fixture), [['verify', false, RED.facts]])
})

test('a kept proof goes with its point, but not while that can be undeleted', async () => {
  const fixture = await newFixture()
  await makePoint(fixture)
  const { storage, repository, context, memory } = fixture
  const point = await about(repository, fixture)
  const locked = await fixture.reopen({}, readOnly(storage))
  await locked.record(point, 'verify', RED, context)
  await repository.remove(point.point, 'old', context)
  assert.deepEqual(await repository.storeKeptProofs(context), [])
  assert.equal((await memory.keptProofs(repository.id)).proofs.length, 1)
  await storage.remove(`removed/${point.point}.json`, context.signal)
  assert.deepEqual(await repository.storeKeptProofs(context), [])
  assert.deepEqual((await memory.keptProofs(repository.id)).proofs, [])
  assert.deepEqual(await allNames(storage, 'proofs/'), [])
})
