import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair } from '../keys/age-keys.ts'
import { rewrapAll } from '../keys/rewrap-all.ts'
import { artifactName, keysName, manifestName } from '../names.ts'
import type { Identity } from '../repository.ts'
import { makePoint, newFixture, readBlobOf, replaceBlob, type Fixture } from '../testing/fixture.ts'

async function inspect({ repository, context }: Fixture, identities: readonly Identity[]): Promise<void> {
  const { points } = await repository.catalog(context)
  assert.ok(points[0] !== undefined)
  await repository.inspect(points[0], identities, context)
}

/** With the right key, with none, and with that of somebody else. */
async function keyRings({ pair }: Fixture): Promise<readonly (readonly Identity[])[]> {
  return [[pair], [], [await generateKeyPair()]]
}

test('an untouched point is well, whoever looks', async () => {
  const fixture = await newFixture()
  await makePoint(fixture)
  for (const identities of await keyRings(fixture)) await inspect(fixture, identities)
  await rewrapAll(fixture.repository, [fixture.pair], [(await generateKeyPair()).recipient, fixture.pair.recipient], {
    ...fixture.context,
  })
  for (const identities of await keyRings(fixture)) await inspect(fixture, identities)
})

const flipped = (at: number) => (bytes: Buffer) => {
  const index = at < 0 ? bytes.length + at : at
  bytes[index]! ^= 1
  return bytes
}

test('every damage of keys, manifest and presence is found, whoever looks', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  const { storage, context } = fixture
  const [keys, manifest, artifact] = [keysName(point, 1), manifestName(point), artifactName(point, 1)]
  const good = await readBlobOf(storage, keys)
  const places = Array.from({ length: Math.floor(good.length / 7) }, (_, index) => index * 7)
  const defects: [string, (bytes: Buffer) => Buffer | undefined][] = [
    ...places.map((at): [string, (bytes: Buffer) => Buffer] => [keys, flipped(at)]),
    [keys, (bytes) => bytes.subarray(0, -1)],
    [keys, () => undefined],
    [keys, () => Buffer.alloc(0)],
    ...[3, 20, 60, 90, 130, -1].map((at): [string, (bytes: Buffer) => Buffer] => [manifest, flipped(at)]),
    [manifest, () => undefined],
    [artifact, () => undefined],
    [artifact, (bytes) => bytes.subarray(0, -1)],
  ]
  for (const [name, change] of defects) {
    const before = await readBlobOf(storage, name)
    const after = change(Buffer.from(before))
    if (after === undefined) await storage.remove(name, context.signal)
    else await replaceBlob(storage, name, after)
    for (const identities of await keyRings(fixture))
      await assert.rejects(inspect(fixture, identities), { kind: 'corrupt' }, name)
    await replaceBlob(storage, name, before)
  }
  await inspect(fixture, [fixture.pair])
})

test('a flipped bit at the head of an artifact is damage and no question of keys', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  const reader = await fixture.repository.open(point, [fixture.pair], fixture.context)
  for (const at of [60, 90]) {
    const good = await readBlobOf(fixture.storage, artifactName(point, 1))
    await replaceBlob(fixture.storage, artifactName(point, 1), flipped(at)(Buffer.from(good)))
    await assert.rejects(reader.read(1, fixture.context)[Symbol.asyncIterator]().next() as Promise<unknown>, {
      kind: 'corrupt',
      message: /SHA-256 differs/,
    })
    await replaceBlob(fixture.storage, artifactName(point, 1), good)
  }
})

test('what is read of an artifact is counted as it is stored', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  const reader = await fixture.repository.open(point, [fixture.pair], fixture.context)
  let bytes = 0
  for await (const _chunk of reader.read(1, fixture.context, (more) => (bytes += more))) assert.ok(bytes > 0)
  assert.equal(bytes, reader.commit.artifacts[0]?.size)
})
