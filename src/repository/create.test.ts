import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStorage } from '../storage/testing/memory.ts'
import { createRepository } from './create.ts'
import { noMemory } from './memory.ts'
import { openRepository } from './open.ts'
import { recoveryFiles } from './recovery/recovery-files.ts'
import { allNames, newFixture, readBlobOf, replaceBlob } from './testing/fixture.ts'

test('a new repository can be read without Holdfast', async () => {
  const { storage } = await newFixture()
  assert.deepEqual(await allNames(storage), ['README.txt', 'holdfast.json', 'recover.py'])
  for (const { name, bytes } of await recoveryFiles()) assert.deepEqual(await readBlobOf(storage, name), bytes)
})

test('a repository is never made over another', async () => {
  const { storage, context } = await newFixture()
  const before = await readBlobOf(storage, 'holdfast.json')
  await assert.rejects(createRepository(storage, { software: 'x' }, context), {
    kind: 'refused',
    message: /holdfast\.json/,
  })
  assert.deepEqual(await readBlobOf(storage, 'holdfast.json'), before)
})

test('a creation that died is finished by the next, and files of others are not touched', async () => {
  const { context } = await newFixture()
  const storage = memoryStorage()
  const [readme] = await recoveryFiles()
  await storage.put('README.txt', readme!.bytes, context.signal)
  await createRepository(storage, { software: 'x' }, context)
  const taken = memoryStorage()
  await taken.put('README.txt', Buffer.from('my notes'), context.signal)
  await assert.rejects(createRepository(taken, { software: 'x' }, context), { kind: 'refused' })
  assert.deepEqual(await allNames(taken), ['README.txt'])
})

test('what is no repository, or a newer one, is not opened', async () => {
  const { storage, context, signer } = await newFixture()
  const options = { trustedSigners: [signer.id], memory: noMemory, software: 'x' }
  await assert.rejects(openRepository(memoryStorage(), options, context), {
    kind: 'notFound',
    message: /holdfast\.json/,
  })
  const document = JSON.parse(String(await readBlobOf(storage, 'holdfast.json')))
  await replaceBlob(storage, 'holdfast.json', Buffer.from(JSON.stringify({ ...document, format: 2 })))
  await assert.rejects(openRepository(storage, options, context), { kind: 'unsupported' })
  await replaceBlob(storage, 'holdfast.json', Buffer.from('{}'))
  await assert.rejects(openRepository(storage, options, context), { kind: 'corrupt' })
})
