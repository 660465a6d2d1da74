import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signDocument } from './documents/dsse.ts'
import { generateSigner, type Signer } from './keys/signer.ts'
import { commitName, manifestName, tombstoneName } from './names.ts'
import { makePoint, newFixture, newPointId, readBlobOf, replaceBlob, type Fixture } from './testing/fixture.ts'

interface Envelope {
  payloadType: string
  payload: string
  signatures: { keyid: string; sig: string }[]
}

/** What somebody with the credentials of the storage, but without a trusted signing key, may try. */
interface Forgery {
  readonly name: string
  readonly kind: 'corrupt' | 'denied' | 'unsupported'
  readonly forge: (
    envelope: Envelope,
    signer: Signer,
    fixture: Fixture,
  ) => Envelope | Buffer | Promise<Envelope | Buffer>
}

function payloadOf(envelope: Envelope): Record<string, unknown> {
  return JSON.parse(Buffer.from(envelope.payload, 'base64').toString())
}

function edited(envelope: Envelope, changes: object): Envelope {
  return {
    ...envelope,
    payload: Buffer.from(JSON.stringify({ ...payloadOf(envelope), ...changes })).toString('base64'),
  }
}

function resigned(envelope: Envelope, changes: object, signer: Signer, type: 'commit' | 'proof' = 'commit'): Buffer {
  return signDocument(type, { ...payloadOf(envelope), ...changes }, signer)
}

const forgeries: readonly Forgery[] = [
  { name: 'no signature', kind: 'corrupt', forge: (envelope) => ({ ...envelope, signatures: [] }) },
  {
    name: 'two signatures',
    kind: 'corrupt',
    forge: (envelope) => ({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }),
  },
  {
    name: 'an empty signature',
    kind: 'corrupt',
    forge: (envelope) => ({ ...envelope, signatures: [{ keyid: envelope.signatures[0]!.keyid, sig: '' }] }),
  },
  { name: 'an unknown signer', kind: 'denied', forge: (envelope) => resigned(envelope, {}, generateSigner().signer) },
  {
    name: 'an unknown signer under a trusted name',
    kind: 'corrupt',
    forge: (envelope) => ({
      ...JSON.parse(String(resigned(envelope, {}, generateSigner().signer))),
      signatures: [
        {
          keyid: envelope.signatures[0]!.keyid,
          sig: JSON.parse(String(resigned(envelope, {}, generateSigner().signer))).signatures[0].sig,
        },
      ],
    }),
  },
  { name: 'an edited payload', kind: 'corrupt', forge: (envelope) => edited(envelope, { complete: false }) },
  {
    name: 'the payload in another base64 form',
    kind: 'corrupt',
    forge: (envelope) => ({ ...envelope, payload: `${envelope.payload}\n` }),
  },
  {
    name: 'a proof that was signed',
    kind: 'corrupt',
    forge: (envelope, signer) => resigned(envelope, {}, signer, 'proof'),
  },
  {
    name: 'a proof under the name of a commit',
    kind: 'corrupt',
    forge: (envelope, signer) => ({
      ...JSON.parse(String(resigned(envelope, {}, signer, 'proof'))),
      payloadType: envelope.payloadType,
    }),
  },
  {
    name: 'a commit of another repository',
    kind: 'corrupt',
    forge: (envelope, signer) => resigned(envelope, { repository: 'f'.repeat(32) }, signer),
  },
  {
    name: 'a commit of another point',
    kind: 'corrupt',
    forge: async (_envelope, _signer, fixture) =>
      readBlobOf(fixture.storage, commitName((await makePoint(fixture)).point)),
  },
  {
    name: 'an artifact twice',
    kind: 'corrupt',
    forge: (envelope, signer) =>
      resigned(envelope, { artifacts: [1, 1].map((number) => ({ number, size: 1, sha256: 'a'.repeat(64) })) }, signer),
  },
  {
    name: 'a newer format',
    kind: 'unsupported',
    forge: (envelope, signer) => resigned(envelope, { format: 2 }, signer),
  },
  { name: 'no JSON', kind: 'corrupt', forge: () => Buffer.from('hello') },
]

for (const { name, kind, forge } of forgeries) {
  test(`a forged commit, ${name}, is ${kind}`, async () => {
    const fixture = await newFixture()
    const { storage, repository, context, pair, signer } = fixture
    const { point } = await makePoint(fixture)
    const envelope: Envelope = JSON.parse(String(await readBlobOf(storage, commitName(point))))
    const forged = await forge(envelope, signer, fixture)
    await replaceBlob(
      storage,
      commitName(point),
      forged instanceof Buffer ? forged : Buffer.from(JSON.stringify(forged)),
    )
    await assert.rejects(repository.open(point, [pair], context), { kind })
    const { points, damaged } = await repository.catalog(context)
    assert.deepEqual(
      damaged.map((entry) => [entry.point, entry.kind]),
      [[point, kind]],
    )
    assert.equal(
      points.some((entry) => entry.point === point),
      false,
    )
    await assert.rejects(repository.sweep(context), { kind: 'refused' })
  })
}

test('a manifest of another attempt is not the one that the commit names', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, pair } = fixture
  const [one, two] = [await makePoint(fixture, 'one'), await makePoint(fixture, 'two')]
  const bytes = await readBlobOf(storage, manifestName(one.point))
  await replaceBlob(storage, manifestName(one.point), await readBlobOf(storage, manifestName(two.point)))
  await assert.rejects(repository.open(one.point, [pair], context), { kind: 'corrupt' })
  bytes[60]! ^= 1
  await replaceBlob(storage, manifestName(one.point), bytes)
  await assert.rejects(repository.open(one.point, [pair], context), { kind: 'corrupt', message: /SHA-256 differs/ })
})

test('a manifest that somebody who can open the point wrote is corrupt, because nobody signed it', async () => {
  const fixture = await newFixture()
  const { storage, repository, context, pair } = fixture
  const { point } = await makePoint(fixture)
  const { readKey, rewriteManifest } = await import('./testing/insider.ts')
  await rewriteManifest(fixture, point, await readKey(fixture, point))
  await assert.rejects(repository.open(point, [pair], context), {
    kind: 'corrupt',
    message: /not the one that its commit names/,
  })
  assert.ok((await readBlobOf(storage, manifestName(point))).length > 0)
})

test('a tombstone that nobody trusted signed neither removes a point nor goes unseen', async () => {
  const fixture = await newFixture()
  const { storage, repository, context } = fixture
  const { point } = await makePoint(fixture)
  const tombstone = {
    format: 1,
    repository: repository.id,
    point,
    created: '2026-11-22T02:00:00.000Z',
    reason: 'x',
    until: '2026-11-22T02:00:00.000Z',
    commit: '',
  }
  await storage.put(tombstoneName(point), signDocument('tombstone', tombstone, generateSigner().signer), context.signal)
  const { points, damaged, removed } = await repository.catalog(context)
  assert.deepEqual([points.length, damaged.length, removed.length], [1, 1, 0])
  await assert.rejects(repository.sweep(context), { kind: 'refused' })
})

test('a reader that trusts another signer sees no points, and says why', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  const stranger = generateSigner().signer
  const repository = await fixture.reopen({ signer: stranger, trustedSigners: [stranger.id] })
  const { points, damaged } = await repository.catalog(fixture.context)
  assert.deepEqual([points, damaged.map(({ kind }) => kind)], [[], ['denied']])
  await assert.rejects(repository.open(newPointId(), [fixture.pair], fixture.context), { kind: 'notFound' })
  await assert.rejects(repository.remove(point, 'reason', fixture.context), { kind: 'denied' })
})
