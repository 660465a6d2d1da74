import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../core/secret.ts'
import { addIdentity, changePassword, removeIdentity } from '../keys/identity-store.ts'
import { rewrapAll } from '../keys/rewrap-all.ts'
import { identityName, proofPrefix } from '../names.ts'
import { allNames, makePoint, memoryInMemory, newFixture, type Fixture } from '../testing/fixture.ts'

const password = new Secret('correct horse')
/** The least that readers accept, to be quick. */
const work = { t: 1, memoryKiB: 65_536, p: 1 }

async function fixtureWith(...names: readonly string[]): Promise<Fixture & { readonly point: string }> {
  const fixture = await newFixture()
  const { point } = await makePoint(fixture)
  for (const name of names)
    await addIdentity(fixture.storage, { name, password, signers: [], key: fixture.pair.key, work }, fixture.context)
  return { ...fixture, point }
}

const alarmsOf = async ({ repository, context }: Fixture): Promise<string> =>
  (await repository.catalog(context)).alarms.join()

test('an identity that something else removed is an alarm that does not end by itself', async () => {
  const fixture = await fixtureWith('rescue', 'admin')
  assert.equal(await alarmsOf(fixture), '')
  await fixture.storage.remove(identityName('rescue', 1), fixture.context.signal)
  for (let turn = 0; turn < 2; turn += 1) assert.match(await alarmsOf(fixture), /^the identity rescue is gone/)
  await makePoint(fixture)
  assert.match(await alarmsOf(fixture), /rescue/)
  const stranger = await fixture.reopen({ memory: memoryInMemory() })
  assert.deepEqual((await stranger.catalog(fixture.context)).alarms, [], 'who never saw it cannot know')
})

test('an identity that Holdfast removed, here or elsewhere, is none, and neither is a new password', async () => {
  const fixture = await fixtureWith('rescue', 'admin')
  const { storage, context, repository, pair } = fixture
  await alarmsOf(fixture)
  await changePassword(storage, 'admin', { old: password, new: new Secret('another'), work }, context)
  assert.equal(await alarmsOf(fixture), '')
  await rewrapAll(repository, [pair], [pair.recipient], context)
  await removeIdentity(storage, 'rescue', context)
  await makePoint(fixture)
  for (let turn = 0; turn < 2; turn += 1) assert.equal(await alarmsOf(fixture), '')
})

test('a hold that is gone while its point is there is an alarm; with the data of its point it goes well', async () => {
  const fixture = await fixtureWith()
  const { storage, context, repository, point, clock } = fixture
  await repository.prove(point, 'hold', { ok: true, facts: {} }, context)
  assert.equal(await alarmsOf(fixture), '')
  const [hold = ''] = await allNames(storage, proofPrefix(point))
  const bytes = await storage.get(hold, context.signal)
  const kept: Uint8Array[] = []
  for await (const chunk of bytes) kept.push(Buffer.from(chunk))
  await storage.remove(hold, context.signal)
  for (let turn = 0; turn < 2; turn += 1) assert.match(await alarmsOf(fixture), new RegExp(`the hold of .*${point}`))
  await storage.put(hold, Buffer.concat(kept), context.signal)
  assert.equal(await alarmsOf(fixture), '')
  await clock.advance(1000)
  await repository.prove(point, 'release', { ok: true, facts: {} }, context)
  await makePoint(fixture)
  await repository.remove(point, 'a test', context)
  await clock.advance(100 * 3_600_000, 10 * 3_600_000)
  await repository.sweep(context)
  assert.deepEqual(await allNames(storage, proofPrefix(point)), [])
  assert.equal(await alarmsOf(fixture), '')
})
