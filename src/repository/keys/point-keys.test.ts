import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allNames, makePoint, newFixture, readBlobOf, replaceBlob } from '../testing/fixture.ts'
import { keysName, keysSumName } from '../names.ts'
import { generateKeyPair } from './age-keys.ts'
import { rewrapAll } from './rewrap-all.ts'
import { wrapDataKey } from './wrap.ts'

test('only who holds an identity of a recipient opens a point', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  const stranger = await generateKeyPair()
  await assert.rejects(fixture.repository.open(point, [stranger], fixture.context), { kind: 'denied' })
  await assert.rejects(fixture.repository.open(point, [], fixture.context), { kind: 'denied' })
  await fixture.repository.open(point, [stranger, fixture.pair], fixture.context)
})

test('keys that were changed or are of another point are corrupt', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, pair } = fixture
  const [one, two] = [await makePoint(fixture), await makePoint(fixture)]
  const open = (): Promise<unknown> => repository.open(one.point, [pair], context)
  const keys = await readBlobOf(storage, keysName(one.point, 1))
  await replaceBlob(storage, keysName(one.point, 1), keys.subarray(1))
  await assert.rejects(open, { kind: 'corrupt', message: /SHA-256 differs/ })
  // Of later generations the commit has no hash.
  await storage.remove(keysName(one.point, 1), context.signal)
  await replaceBlob(storage, keysName(one.point, 2), await readBlobOf(storage, keysName(two.point, 1)))
  await assert.rejects(open, { kind: 'corrupt', message: /another restore point/ })
  const forged = await wrapDataKey(Buffer.alloc(32, 7), { repository: repository.id, point: one.point }, [
    pair.recipient,
  ])
  await replaceBlob(storage, keysName(one.point, 2), forged)
  await assert.rejects(open, { kind: 'corrupt', message: /does not hold the data key/ })
  for (const offset of [keys.length - 1, keys.length - 60]) {
    const damaged = Buffer.from(keys)
    damaged[offset]! ^= 1
    await replaceBlob(storage, keysName(one.point, 2), damaged)
    await assert.rejects(open, { kind: 'corrupt' })
  }
  await replaceBlob(storage, keysName(one.point, 2), Buffer.from('not age'))
  await assert.rejects(open, { kind: 'corrupt' })
  await storage.remove(keysName(one.point, 2), context.signal)
  await assert.rejects(open, { kind: 'corrupt', message: /no keys/ })
})

test('a rewrap changes who can open a point, and touches nothing but its keys', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, pair } = fixture
  const points = [await makePoint(fixture), await makePoint(fixture)]
  const joining = await generateKeyPair()
  const before = await allNames(storage)
  assert.equal(await rewrapAll(repository, [pair], [pair.recipient, joining.recipient], context), 2)
  assert.deepEqual(
    await allNames(storage),
    before.flatMap((name) =>
      name.endsWith('keys-1') ? [name.replace('keys-1', 'keys-2'), name.replace('keys-1', 'keys-2.sha256')] : [name],
    ),
  )
  for (const { point } of points) await repository.open(point, [joining], context)
  await rewrapAll(repository, [joining], [joining.recipient], context)
  for (const { point } of points) await assert.rejects(repository.open(point, [pair], context), { kind: 'denied' })
  assert.ok((await allNames(storage)).includes(keysName(points[0]!.point, 3)))
})

test('a rewrap that would lock everybody out changes nothing', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, pair } = fixture
  const { point } = await makePoint(fixture)
  const stranger = await generateKeyPair()
  const before = await allNames(storage)
  await assert.rejects(repository.rewrap(point, [pair], [stranger.recipient], context), { kind: 'refused' })
  await assert.rejects(repository.rewrap(point, [stranger], [pair.recipient], context), { kind: 'denied' })
  await assert.rejects(repository.rewrap(point, [pair], [], context), { kind: 'usage' })
  assert.deepEqual(await allNames(storage), before)
})

test('damaged keys beside older whole ones are passed over and named, and a rewrap repairs them', async () => {
  const garbage = [Buffer.from('age-encryption.org/v1\nnonsense'), Buffer.alloc(0), Buffer.alloc(2 ** 20 + 1)]
  for (const bytes of garbage) {
    const fixture = await newFixture()
    const { storage, repository, context, pair, events } = fixture
    const { point } = await makePoint(fixture)
    await storage.put(keysName(point, 2), bytes, context.signal)
    await repository.open(point, [pair], context)
    const warnings = events.flatMap((event) => (event.type === 'warning' ? event.message : []))
    assert.match(warnings.join(), new RegExp(`${keysName(point, 2)}.*keys-1 was used instead`))
    await repository.rewrap(point, [pair], [pair.recipient], context)
    await repository.open(point, [pair], context)
    assert.deepEqual(await allNames(storage, `data/${point}/keys`), [keysName(point, 3), keysSumName(point, 3)])
  }
})

test('a rewrap that died after the sum is repeated, and leaves nothing of it', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, pair } = fixture
  const { point } = await makePoint(fixture)
  await storage.put(keysSumName(point, 2), Buffer.from(`${'0'.repeat(64)}\n`), context.signal)
  await repository.open(point, [pair], context)
  await repository.rewrap(point, [pair], [pair.recipient], context)
  assert.deepEqual(await allNames(storage, `data/${point}/keys`), [keysName(point, 3), keysSumName(point, 3)])
})

test('where no keys open a point, those count that are not damaged', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, pair } = fixture
  const { point } = await makePoint(fixture)
  await storage.put(keysName(point, 2), Buffer.from('garbage'), context.signal)
  await assert.rejects(repository.open(point, [], context), { kind: 'denied' })
  await replaceBlob(storage, keysName(point, 1), Buffer.from('garbage'))
  await assert.rejects(repository.open(point, [pair], context), { kind: 'corrupt', message: /keys-2/ })
})
