import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { directEffects } from '../../system/effects.ts'
import { folderRecords } from '../../system/files/folder-records.ts'
import { signDocument } from '../documents/dsse.ts'
import { generateSigner } from '../keys/signer.ts'
import { noMemory, nothingSeen, recordsMemory } from '../memory.ts'
import { commitName, proofName, tombstoneName } from '../names.ts'
import { makePoint, memoryInMemory, newFixture, readBlobOf, replaceBlob } from '../testing/fixture.ts'

test('an empty repository', async () => {
  const { repository, context } = await newFixture()
  assert.deepEqual(await repository.catalog(context), { points: [], damaged: [], removed: [], alarms: [], unread: [] })
  assert.deepEqual(await repository.sweep(context), { removedBlobs: 0, removedBytes: 0 })
})

test('a commit that vanished without a tombstone is an alarm that does not end by itself, and stops the sweep', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, memory } = fixture
  const { point } = await makePoint(fixture)
  await makePoint(fixture)
  await storage.remove(commitName(point), context.signal)
  for (let turn = 0; turn < 2; turn += 1) {
    const { alarms } = await repository.catalog(context)
    assert.equal(alarms.length, 1)
    assert.match(alarms[0]!, new RegExp(`${point}.*gone without a tombstone`))
  }
  await fixture.clock.advance(200 * 3_600_000, 10 * 3_600_000)
  await assert.rejects(repository.sweep(context), { kind: 'refused', message: /vanished/ })
  await memory.save(repository.id, nothingSeen)
  assert.deepEqual((await repository.catalog(context)).alarms, [])
  assert.equal((await repository.sweep(context)).removedBlobs, 3)
})

test('a repository that was rolled back is an alarm, and its next point does not take a sequence again', async () => {
  const fixture = await newFixture()
  const { storage, repository, context } = fixture
  await makePoint(fixture)
  const { point } = await makePoint(fixture)
  await storage.remove(commitName(point), context.signal)
  const { alarms } = await repository.catalog(context)
  assert.deepEqual(
    alarms.map((alarm) => /rolled|gone|older/.test(alarm)),
    [true, true],
  )
  const next = await makePoint(fixture)
  const { points } = await repository.catalog(context)
  assert.equal(points.find((entry) => entry.point === next.point)?.commit.sequence, 3)
})

test('a commit that was replaced by another valid one is an alarm', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, signer } = fixture
  const { point } = await makePoint(fixture)
  const { payload } = JSON.parse(String(await readBlobOf(storage, commitName(point))))
  const commit = JSON.parse(Buffer.from(payload, 'base64').toString())
  await repository.catalog(context)
  await replaceBlob(storage, commitName(point), signDocument('commit', { ...commit, complete: false }, signer))
  assert.match((await repository.catalog(context)).alarms.join(), /not the one that was here before/)
})

test('a machine that sees the repository for the first time has no alarms', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  await fixture.storage.remove(commitName(point), fixture.context.signal)
  const stranger = await fixture.reopen({ memory: memoryInMemory() })
  assert.deepEqual((await stranger.catalog(fixture.context)).alarms, [])
  assert.deepEqual((await (await fixture.reopen({ memory: noMemory })).catalog(fixture.context)).alarms, [])
})

test('memory in a folder survives the process, and a memory that cannot be written is only a warning', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-memory-'))
  try {
    const fixture = await newFixture()
    const memory = recordsMemory(folderRecords(folder, directEffects))
    const { point } = await makePoint({ ...fixture, repository: await fixture.reopen({ memory }) })
    await (await fixture.reopen({ memory })).catalog(fixture.context)
    await fixture.storage.remove(commitName(point), fixture.context.signal)
    const later = await fixture.reopen({ memory: recordsMemory(folderRecords(folder, directEffects)) })
    assert.equal((await later.catalog(fixture.context)).alarms.length, 2)
    const failing = { ...memoryInMemory(), save: () => Promise.reject(new Error('disk full')) }
    await makePoint(fixture)
    await (await fixture.reopen({ memory: failing })).catalog(fixture.context)
    assert.ok(fixture.events.some((event) => event.type === 'warning' && event.message.includes('disk full')))
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('proofs belong to the commit that they were made for', async () => {
  const fixture = await newFixture()
  const { repository, context, clock, storage, signer } = fixture
  const { point } = await makePoint(fixture)
  const proof = await repository.prove(point, 'drill', { ok: true, facts: { seconds: 4 } }, context)
  await clock.advance(1000)
  await repository.prove(point, 'verify', { ok: false, facts: {} }, context)
  await clock.advance(1000)
  await storage.put(
    proofName(point, clock.now(), 'drill'),
    signDocument('proof', { ...proof, commitSha256: 'a'.repeat(64) }, signer),
    context.signal,
  )
  await clock.advance(1000)
  await storage.put(
    proofName(point, clock.now(), 'drill'),
    signDocument('proof', proof, generateSigner().signer),
    context.signal,
  )
  const { points, alarms, unread } = await repository.catalog(context)
  assert.deepEqual(
    points[0]?.proofs.map(({ kind, ok }) => [kind, ok]),
    [
      ['drill', true],
      ['verify', false],
    ],
  )
  assert.equal(points[0]?.signer, signer.id)
  assert.deepEqual([alarms.length, unread], [1, []], 'a signature that is not trusted was read')
})

test('of holds and releases the latest counts, and a hold that cannot be read holds', async () => {
  const fixture = await newFixture()
  const { repository, context, clock, storage } = fixture
  const { point } = await makePoint(fixture)
  const held = async (): Promise<boolean | undefined> => (await repository.catalog(context)).points[0]?.held
  const prove = async (kind: 'hold' | 'release'): Promise<void> => {
    await clock.advance(1000)
    await repository.prove(point, kind, { ok: true, facts: {} }, context)
  }
  assert.equal(await held(), false)
  await prove('hold')
  assert.equal(await held(), true)
  await prove('release')
  assert.equal(await held(), false)
  await prove('hold')
  await replaceBlob(storage, proofName(point, clock.now(), 'hold'), Buffer.from('damaged'))
  assert.equal(await held(), true)
  await prove('release')
  assert.equal(await held(), false)
})

test('a release that is copied under a later name does not end a hold', async () => {
  const fixture = await newFixture()
  const { repository, context, clock, storage } = fixture
  const { point } = await makePoint(fixture)
  await repository.prove(point, 'release', { ok: true, facts: {} }, context)
  const release = await readBlobOf(storage, proofName(point, clock.now(), 'release'))
  await clock.advance(1000)
  await repository.prove(point, 'hold', { ok: true, facts: {} }, context)
  await clock.advance(1000)
  await storage.put(proofName(point, clock.now(), 'release'), release, context.signal)
  assert.equal((await repository.catalog(context)).points[0]?.held, true)
})

test('names that belong to nothing are said and change nothing', async () => {
  const fixture = await newFixture()
  const { repository, context, storage } = fixture
  await makePoint(fixture)
  await storage.put('points/notes.txt', Buffer.from('x'), context.signal)
  await storage.put(tombstoneName('x'), Buffer.from('x'), context.signal)
  const { points, damaged, alarms } = await repository.catalog(context)
  assert.deepEqual([points.length, damaged.length, alarms.length], [1, 0, 2])
})

test('whether the data of all points is there is seen by one listing', async () => {
  const fixture = await newFixture()
  for (let made = 0; made < 3; made += 1) await makePoint(fixture)
  const { storage, repository, context } = fixture
  const [list, listed] = [storage.list.bind(storage), new Array<string>()]
  storage.list = (prefix, ...rest) => {
    listed.push(prefix)
    return list(prefix, ...rest)
  }
  assert.equal((await repository.catalog(context)).points.length, 3)
  assert.deepEqual(
    listed.filter((prefix) => prefix.startsWith('data')),
    ['data/'],
  )
})
