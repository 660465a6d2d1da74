import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toFailure, type FailureKind } from '../core/failure.ts'
import { Secret } from '../core/secret.ts'
import { drain } from './documents/bytes.ts'
import { signDocument } from './documents/dsse.ts'
import { generateKeyPair } from './keys/age-keys.ts'
import { addIdentity, openIdentity } from './keys/identity-store.ts'
import { generateSigner } from './keys/signer.ts'
import { artifactName, commitName, identityName, keysName, keysSumName, manifestName } from './names.ts'
import { makePoint, newFixture, readBlobOf, replaceBlob, type Fixture } from './testing/fixture.ts'

type Outcome = FailureKind | 'opened'

async function outcomeOf(act: () => Promise<unknown>): Promise<Outcome> {
  return act().then(
    () => 'opened',
    (error: unknown) => toFailure(error).kind,
  )
}

/** Every byte at full size (`npm run soak`); else every one of the first hundred and each eleventh of the rest. */
const STEP = process.env['HOLDFAST_SOAK'] === '1' ? 1 : 11
const HEAD = 100

/** What becomes of `act` for each byte of a blob in which one bit is wrong. */
async function flipEach(fixture: Fixture, name: string, act: () => Promise<unknown>): Promise<Map<Outcome, number[]>> {
  const bytes = await readBlobOf(fixture.storage, name)
  const outcomes = new Map<Outcome, number[]>()
  for (let at = 0; at < bytes.length; at += at < HEAD ? 1 : STEP) {
    const flipped = Buffer.from(bytes)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 7))
    await replaceBlob(fixture.storage, name, flipped)
    const outcome = await outcomeOf(act)
    outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), at])
  }
  await replaceBlob(fixture.storage, name, bytes)
  assert.equal(await outcomeOf(act), 'opened', 'and whole it opens')
  return outcomes
}

const places: Readonly<Record<string, (point: string) => string>> = {
  manifest: manifestName,
  keys: (point) => keysName(point, 1),
  'the head of an artifact': (point) => artifactName(point, 1),
  commit: commitName,
}

for (const [place, nameOf] of Object.entries(places)) {
  test(`a flipped bit in ${place} is damage, and no other key, signer or format`, async () => {
    const fixture = await newFixture()
    const { point } = await makePoint(fixture)
    const act = async (): Promise<void> => {
      const reader = await fixture.repository.open(point, [fixture.pair], fixture.context)
      await drain(reader.read(1, fixture.context))
    }
    const outcomes = await flipEach(fixture, nameOf(point), act)
    assert.deepEqual([...outcomes.keys()], ['corrupt'])
  })
}

test('a flipped bit in keys that were made anew is damage too, and one in their sum is named', async () => {
  const fixture = await newFixture()
  const { storage, repository, pair, context, events } = fixture
  const { point } = await makePoint(fixture)
  await repository.rewrap(point, [pair], [pair.recipient, (await generateKeyPair()).recipient], context)
  const act = (): Promise<unknown> => repository.open(point, [pair], context)
  const outcomes = await flipEach(fixture, keysName(point, 2), act)
  // A bit in the part for the other recipient is only seen by whoever needs that part.
  assert.deepEqual([...outcomes.keys()].sort(), ['corrupt'])
  const stranger = await generateKeyPair()
  await assert.rejects(repository.open(point, [stranger], context), { kind: 'denied' })
  await replaceBlob(storage, keysSumName(point, 2), Buffer.from('0'.repeat(64)))
  await assert.rejects(repository.open(point, [stranger], context), { kind: 'corrupt' })
  await act()
  const warnings = events.flatMap((event) => (event.type === 'warning' ? event.message : []))
  assert.match(warnings.join(), /keys-2\.sha256 is damaged; the keys beside it are whole/)
})

test('a flipped bit in an identity is damage, and no wrong password', async () => {
  const fixture = await newFixture()
  const password = new Secret('correct horse')
  const work = { t: 1, memoryKiB: 65_536, p: 1 }
  await addIdentity(fixture.storage, { name: 'rescue', password, signers: [fixture.signer.id], work }, fixture.context)
  const act = (): Promise<unknown> => openIdentity(fixture.storage, 'rescue', password, fixture.context)
  const outcomes = await flipEach(fixture, identityName('rescue', 1), act)
  // Without its name the sum is a key that nobody knows, and the rest of the file is whole.
  assert.deepEqual([...outcomes.keys()].sort(), ['corrupt', 'opened'])
  assert.ok((outcomes.get('opened') ?? []).length <= 'sha256'.length)
})

test('an identity without a sum still tells a damaged recipient from a wrong password', async () => {
  const fixture = await newFixture()
  const password = new Secret('correct horse')
  const work = { t: 1, memoryKiB: 65_536, p: 1 }
  await addIdentity(fixture.storage, { name: 'rescue', password, signers: [], work }, fixture.context)
  const name = identityName('rescue', 1)
  const { sha256: _sum, ...older } = JSON.parse(String(await readBlobOf(fixture.storage, name)))
  const header = String(Buffer.from(older.header, 'base64'))
  const open = (): Promise<unknown> => openIdentity(fixture.storage, 'rescue', password, fixture.context)
  const write = (text: string): Promise<void> =>
    replaceBlob(
      fixture.storage,
      name,
      Buffer.from(JSON.stringify({ ...older, header: Buffer.from(text).toString('base64') })),
    )
  await write(header)
  assert.equal(await outcomeOf(open), 'opened')
  await write(header.replace(/age1(.)/, (_, letter: string) => `age1${letter === 'q' ? 'p' : 'q'}`))
  assert.equal(await outcomeOf(open), 'corrupt')
  await write(header.replace('rescue', 'rescuf'))
  assert.equal(await outcomeOf(open), 'corrupt')
})

test('keys that are as signed and for others are denied, and so is a signer who signed and is not trusted', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  assert.equal(await outcomeOf(() => fixture.repository.open(point, [], fixture.context)), 'denied')
  const { payload } = JSON.parse(String(await readBlobOf(fixture.storage, commitName(point))))
  const commit: object = JSON.parse(String(Buffer.from(payload, 'base64')))
  await replaceBlob(fixture.storage, commitName(point), signDocument('commit', commit, generateSigner().signer))
  assert.equal(await outcomeOf(() => fixture.repository.open(point, [fixture.pair], fixture.context)), 'denied')
})

test('keys of an older point, of which nothing is signed, name the file that may be damaged', async () => {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  const { payload } = JSON.parse(String(await readBlobOf(fixture.storage, commitName(point))))
  const { keys: _keys, ...older } = JSON.parse(String(Buffer.from(payload, 'base64')))
  await replaceBlob(fixture.storage, commitName(point), signDocument('commit', older, fixture.signer))
  await fixture.repository.open(point, [fixture.pair], fixture.context)
  await assert.rejects(fixture.repository.open(point, [], fixture.context), {
    kind: 'denied',
    hint: /keys-1 is damaged/,
  })
})
