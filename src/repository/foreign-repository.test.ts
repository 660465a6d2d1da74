import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { Secret } from '../core/secret.ts'
import { memoryStorage } from '../storage/testing/memory.ts'
import type { Storage } from '../storage/storage.ts'
import { collect } from './documents/bytes.ts'
import { listIdentities, openIdentity } from './keys/identity-store.ts'
import { parseIdentityFile } from './keys/identity-file.ts'
import { noMemory } from './memory.ts'
import { openRepository } from './open.ts'
import { newFixture } from './testing/fixture.ts'

/** A repository that was written in another language from docs/reference/format.md alone, with keys that are for tests only. */
const folder = new URL('../../test/vectors/documents/', import.meta.url)
const keys = new URL('../../test/vectors/documents-keys/', import.meta.url)
const keyFile = (name: string): Secret => new Secret(readFileSync(new URL(name, keys), 'utf8').replace(/\n$/, ''))

async function foreignStorage(signal: AbortSignal): Promise<Storage> {
  const storage = memoryStorage()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = new URL(name, folder)
    if (statSync(file).isFile()) await storage.put(name, readFileSync(file), signal)
  }
  return storage
}

test('a repository of another writer is read to the last byte, from its password alone', async () => {
  const { context } = await newFixture()
  const storage = await foreignStorage(context.signal)
  const [listed] = await listIdentities(storage, context)
  assert.equal(listed?.revision, 10, 'the highest number, not the last name')
  const identity = await openIdentity(storage, listed.name, keyFile('TEST-password.txt'), context)
  const file = parseIdentityFile(keyFile('TEST-identity.txt'))
  assert.equal(identity.key.reveal(), file.identities[0]?.key.reveal())
  const options = { trustedSigners: identity.signers, memory: noMemory, software: 'test' }
  const repository = await openRepository(storage, options, context)
  const { points, damaged, removed, alarms } = await repository.catalog(context)
  assert.deepEqual([points.length, damaged, removed.length, alarms], [1, [], 1, []])
  assert.equal(points[0]?.proofs.length, 1)
  const reader = await repository.open(points[0].point, [identity], context)
  await reader.checkPresence(context)
  const records = reader.manifest.components.flatMap(({ artifacts }) => artifacts)
  assert.equal(records.length, 2)
  for (const { number, plainSize } of records) {
    await reader.checkStored(number, context)
    assert.equal((await collect(reader.read(number, context), 2 ** 26, 'content')).length, plainSize)
  }
})
