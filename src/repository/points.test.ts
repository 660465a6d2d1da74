import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '../core/failure.ts'
import type { Storage } from '../storage/storage.ts'
import { bytesOf, collect } from './documents/bytes.ts'
import { commitName, manifestName } from './names.ts'
import { pack } from './points/pack.ts'
import {
  allNames,
  begin,
  capture,
  makePoint,
  newFixture,
  newPointId,
  readBlobOf,
  replaceBlob,
} from './testing/fixture.ts'

const LIMIT = 2 ** 26

/** A storage that does something else for some names. */
function altered(storage: Storage, put: (name: string, real: () => Promise<unknown>) => Promise<void>): Storage {
  return {
    location: storage.location,
    features: storage.features,
    put: async (name, body, signal) => {
      await put(name, () => storage.put(name, body, signal))
      return storage.stat(name, signal)
    },
    get: (name, signal, range) => storage.get(name, signal, range),
    stat: (name, signal) => storage.stat(name, signal),
    list: (prefix, signal) => storage.list(prefix, signal),
    remove: (name, signal) => storage.remove(name, signal),
    now: (signal) => storage.now(signal),
    tidy: () => Promise.resolve(0),
  }
}

test('what was backed up comes back, with its manifest', async () => {
  const fixture = await newFixture()
  const { repository, context, pair } = fixture
  const plain = Buffer.concat([randomBytes(3_000_000), Buffer.alloc(3_000_000, 'holdfast')])
  const { point, commitSha256 } = await makePoint(fixture, plain)
  const reader = await repository.open(point, [pair], context)
  assert.equal(reader.commitSha256, commitSha256)
  assert.equal(reader.commit.complete, true)
  assert.deepEqual(reader.manifest.components[0]?.details, { database: 'authentik' })
  assert.deepEqual(await collect(reader.read(1, context), LIMIT, 'content'), plain)
  assert.deepEqual(await collect(reader.read(1, context), LIMIT, 'content'), plain)
  await reader.checkPresence(context)
  await reader.checkStored(1, context)
  await reader.checkStored(0, context)
})

test('nothing but names and stored sizes is readable without a key', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture, 'the secret content')
  for (const name of await allNames(fixture.storage)) {
    const bytes = await readBlobOf(fixture.storage, name)
    for (const secret of ['the secret content', 'dump', '"database":']) {
      if (name.startsWith('data/') || name.startsWith('points/')) assert.equal(bytes.includes(secret), false, name)
    }
  }
  const { payload } = JSON.parse(String(await readBlobOf(fixture.storage, commitName(point))))
  const commit = JSON.parse(Buffer.from(payload, 'base64').toString())
  assert.deepEqual(
    Object.keys(commit).sort(),
    'app artifacts complete components created format keyCommitment keys manifest point previous remarks repository sequence software'.split(
      ' ',
    ),
  )
})

test('every point says what has to be said of its storage', async () => {
  const fixture = await newFixture()
  const features = { ...fixture.storage.features, remarks: ['insecure TLS'] }
  const marked = { ...altered(fixture.storage, async (_name, real) => void (await real())), features }
  const repository = await fixture.reopen({}, marked)
  const { point } = await makePoint({ ...fixture, repository })
  const { points } = await fixture.repository.catalog(fixture.context)
  assert.deepEqual(points.find((one) => one.point === point)?.commit.remarks, ['insecure TLS'])
})

test('nothing exists before the commit, and nothing is left of what is abandoned', async () => {
  const fixture = await newFixture()
  const before = await allNames(fixture.storage)
  const writer = await begin(fixture)
  await capture(writer, 'content')
  assert.deepEqual((await fixture.repository.catalog(fixture.context)).points, [])
  await assert.rejects(fixture.repository.open(writer.point, [fixture.pair], fixture.context), { kind: 'notFound' })
  await writer.abandon()
  assert.deepEqual(await allNames(fixture.storage), before)
  await assert.rejects(capture(writer, 'more'), { kind: 'bug' })
})

test('an artifact that was not read back is not committed', async () => {
  const fixture = await newFixture()
  const writer = await begin(fixture)
  const component = await capture(writer, 'one')
  const record = await writer.write(
    { component: 'database', role: 'more', kind: 'pg-dump' },
    pack(bytesOf(Buffer.from('two'))),
  )
  const unread = { ...component, artifacts: [...component.artifacts, record] }
  const content = { missing: [], created: fixture.clock.now() }
  await assert.rejects(writer.commit({ ...content, components: [unread] }), { kind: 'bug', message: /not read back/ })
  await assert.rejects(writer.commit({ ...content, components: [{ ...component, name: 'other' }] }), { kind: 'bug' })
  await writer.commit({ ...content, components: [component] })
  assert.equal(
    (await allNames(fixture.storage)).some((name) => name.endsWith('/000002')),
    false,
    'what no component names is removed',
  )
})

test('a storage that does not keep the bytes is found by reading back', async () => {
  const fixture = await newFixture()
  const damaging = altered(fixture.storage, async (name, real) => {
    await real()
    if (!name.endsWith('/000001')) return
    const bytes = await readBlobOf(fixture.storage, name)
    bytes[bytes.length - 20]! ^= 1
    await replaceBlob(fixture.storage, name, bytes)
  })
  const writer = await begin({ ...fixture, repository: await fixture.reopen({}, damaging) })
  await assert.rejects(capture(writer, 'content'), { kind: 'corrupt' })
  await writer.abandon()
})

test('a producer that fails leaves nothing, and its own error comes through', async () => {
  const fixture = await newFixture()
  const writer = await begin(fixture)
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield randomBytes(5_000_000)
    throw new Failure('toolFailed', 'pg_dump failed')
  }
  await assert.rejects(writer.write({ component: 'database', role: 'dump', kind: 'pg-dump' }, pack(failing())), {
    kind: 'toolFailed',
  })
  assert.deepEqual(await allNames(fixture.storage, 'data/'), [])
})

test('a storage that fails before it reads drops its copy', async () => {
  const fixture = await newFixture()
  const refusing = altered(fixture.storage, async () => Promise.reject(new Failure('unreachable', 'no route')))
  const writer = await begin({ ...fixture, repository: await fixture.reopen({}, refusing) })
  let dropped = 0
  const packed = { ...pack(bytesOf(Buffer.from('x'))), drop: async () => void (dropped += 1) }
  await assert.rejects(writer.write({ component: 'database', role: 'dump', kind: 'pg-dump' }, packed), {
    kind: 'unreachable',
  })
  assert.equal(dropped, 1)
})

test('a commit whose acknowledgement is lost has succeeded', async () => {
  const fixture = await newFixture()
  const losing = altered(fixture.storage, async (name, real) => {
    await real()
    if (name.startsWith('points/')) throw new Failure('unreachable', 'connection reset')
  })
  const writer = await begin({ ...fixture, repository: await fixture.reopen({}, losing) })
  const components = [await capture(writer, 'content')]
  await writer.commit({ components, missing: [], created: fixture.clock.now() })
  await writer.abandon()
  const reader = await fixture.repository.open(writer.point, [fixture.pair], fixture.context)
  await reader.checkPresence(fixture.context)
})

test('a commit that failed for real fails, and its data is left for the sweep in case it did not', async () => {
  const fixture = await newFixture()
  const failing = altered(fixture.storage, async (name, real) => {
    if (name.startsWith('points/')) throw new Failure('unreachable', 'connection reset')
    await real()
  })
  const writer = await begin({ ...fixture, repository: await fixture.reopen({}, failing) })
  const components = [await capture(writer, 'content')]
  await assert.rejects(writer.commit({ components, missing: [], created: fixture.clock.now() }), {
    kind: 'unreachable',
  })
  await writer.abandon()
  assert.equal((await allNames(fixture.storage, 'data/')).length, 3)
  assert.deepEqual((await fixture.repository.catalog(fixture.context)).points, [])
})

test('a point is committed once, whoever tries', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  const again = await begin(fixture, point)
  await assert.rejects(capture(again, 'other'), { kind: 'refused' })
})

test('points form a chain, and backups that run at once both complete', async () => {
  const fixture = await newFixture()
  const first = await makePoint(fixture)
  const writers = await Promise.all([begin(fixture, newPointId()), begin(fixture, newPointId())])
  await Promise.all(
    writers.map(async (writer) =>
      writer.commit({ components: [await capture(writer, 'x')], missing: [], created: fixture.clock.now() }),
    ),
  )
  const last = await makePoint(fixture)
  const { points, damaged, alarms } = await fixture.repository.catalog(fixture.context)
  assert.deepEqual([points.length, damaged, alarms], [4, [], []])
  assert.equal(points[0]?.point, first.point)
  assert.equal(points[1]?.commit.previous, first.commitSha256)
  assert.equal(points[3]?.point, last.point)
  assert.equal(points[3]?.commit.previous, points[2]?.commitSha256)
  assert.ok(points[3].commit.sequence > points[2]!.commit.sequence)
})

test('a component that is missing makes the point incomplete', async () => {
  const fixture = await newFixture()
  const writer = await begin(fixture)
  const missing = [{ name: 'files', kind: 'files', reason: 'disk gone' }]
  const { commit } = await writer.commit({
    components: [await capture(writer, 'x')],
    missing,
    created: fixture.clock.now(),
  })
  assert.equal(commit.complete, false)
  assert.deepEqual(
    commit.components.map(({ name, complete }) => [name, complete]),
    [
      ['database', true],
      ['files', false],
    ],
  )
})

test('every stored byte that changes is found, and lost blobs are corrupt points', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, pair } = fixture
  const { point } = await makePoint(fixture, 'some content')
  const artifact = `data/${point}/000001`
  const bytes = await readBlobOf(storage, artifact)
  for (const offset of [0, 60, 90, 120, bytes.length - 1]) {
    const damaged = Buffer.from(bytes)
    damaged[offset]! ^= 4
    await replaceBlob(storage, artifact, damaged)
    const reader = await repository.open(point, [pair], context)
    await assert.rejects(reader.checkStored(1, context), { kind: 'corrupt' })
    await assert.rejects(collect(reader.read(1, context), LIMIT, 'content'))
  }
  await replaceBlob(storage, artifact, bytes.subarray(1))
  await assert.rejects((await repository.open(point, [pair], context)).checkPresence(context), { kind: 'corrupt' })
  await storage.remove(artifact, context.signal)
  const reader = await repository.open(point, [pair], context)
  await assert.rejects(reader.checkPresence(context), { kind: 'corrupt' })
  await assert.rejects(collect(reader.read(1, context), LIMIT, 'content'), { kind: 'corrupt' })
  await storage.remove(manifestName(point), context.signal)
  await assert.rejects(repository.open(point, [pair], context), { kind: 'corrupt' })
})

test('without a recipient or a signing key nothing is begun', async () => {
  const fixture = await newFixture()
  const { repository, context, signer } = fixture
  await assert.rejects(repository.begin({ app: 'a', point: newPointId(), recipients: [] }, context), { kind: 'usage' })
  await assert.rejects(repository.begin({ app: 'a', point: newPointId(), recipients: ['age1nonsense'] }, context), {
    kind: 'usage',
  })
  const { openRepository } = await import('./open.ts')
  const { noMemory } = await import('./memory.ts')
  const readOnly = await openRepository(
    fixture.storage,
    { trustedSigners: [signer.id], memory: noMemory, software: 'test' },
    context,
  )
  await assert.rejects(begin({ ...fixture, repository: readOnly }), { kind: 'usage' })
})
