import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Secret } from '../../core/secret.ts'
import { localSource, sourcesIn } from './format/source.ts'
import { inFolder, sampleContext, sampleFile, sampleJson, secretPassword, sourceFor } from './testing/sample.ts'
import { unpackKleidia } from './read/unpack.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { Storage } from '../../storage/storage.ts'
import { systemClock } from '../../system/clock.ts'
import {
  importKleidia,
  isComplete,
  onlyFailure,
  usualLimits,
  type KleidiaAct,
  type KleidiaReport,
  type KleidiaSource,
} from './import-kleidia.ts'

const context = sampleContext()

async function storageWith(files: Readonly<Record<string, Uint8Array>>): Promise<Storage> {
  const storage = memoryStorage({ clock: systemClock })
  for (const [name, bytes] of Object.entries(files)) await storage.put(name, bytes, context.signal)
  return storage
}

async function taken(
  files: Readonly<Record<string, Uint8Array>>,
  name: string,
  act: KleidiaAct = { type: 'list' },
): Promise<KleidiaReport> {
  const place = { name, shown: 's3://bucket' }
  return await importKleidia(sourcesIn(await storageWith(files), place, context.signal), act, context)
}

test('all files below a prefix are taken, more than a page of a listing', async () => {
  const file = sampleFile()
  const names = Array.from({ length: 2500 }, (_, index) => `backups/backup-full-${String(index).padStart(8, '0')}.enc`)
  const files = Object.fromEntries([...names, 'backups-of-others/x.enc', 'other'].map((name) => [name, file]))
  const report = await taken(files, 'backups')
  assert.deepEqual(
    report.files.map(({ name }) => `backups/${name}`),
    names,
  )
  assert.ok(report.files.every(({ outcome, claimed }) => outcome === 'listed' && claimed?.backupType === 'full'))
  assert.ok(isComplete(report))
})

test('a name that is a file is that file alone', async () => {
  const files = { 'a/b.enc': sampleFile(), 'a/b.enc/c': sampleFile(), 'a/b.encx': sampleFile() }
  const { files: found } = await taken(files, 'a/b.enc')
  assert.deepEqual(
    found.map(({ name, location }) => [name, location]),
    [['b.enc', 's3://bucket/a/b.enc']],
  )
})

test('nothing there is not found', async () => {
  await assert.rejects(taken({ a: sampleFile() }, 'b'), { kind: 'notFound' })
  await assert.rejects(localSource('/nonexistent/a.enc', 'a.enc'), { kind: 'notFound' })
})

const damaged = sampleFile()
damaged[damaged.length - 20]! ^= 1
const mixed = {
  'a.enc': sampleFile(),
  'b.enc': damaged,
  'c.enc': sampleFile({ password: 'another' }),
  'd.txt': Buffer.from('hello'),
  'e.enc': sampleFile({ json: sampleJson().replace('{"header"', '{"later":1,"header"') }),
  'f.enc': sampleFile().subarray(0, 100),
}

test('one that fails does not keep the others from being unpacked', async () => {
  await inFolder(async (folder) => {
    const act = { type: 'unpack', password: secretPassword, folder: join(folder, 'to'), limits: usualLimits } as const
    const report = await taken(mixed, '', act)
    assert.deepEqual(
      report.files.map(({ name, outcome, failure }) => [name, outcome, failure?.kind]),
      [
        ['a.enc', 'unpacked', undefined],
        ['b.enc', 'failed', 'corrupt'],
        ['c.enc', 'failed', 'denied'],
        ['d.txt', 'not a backup', 'unsupported'],
        ['e.enc', 'incomplete', undefined],
        ['f.enc', 'failed', 'corrupt'],
      ],
    )
    assert.equal(isComplete(report), false)
    assert.deepEqual((await readdir(join(folder, 'to'))).sort(), ['a.enc', 'e.enc'])
    assert.deepEqual(report.files[4]?.opened?.unknownParts, ['later'])
  })
})

test('verifying keeps nothing', async () => {
  await inFolder(async (scratchFolder) => {
    const act = { type: 'verify', password: secretPassword, scratchFolder, limits: usualLimits } as const
    const { files } = await taken({ 'a.enc': sampleFile() }, 'a.enc', act)
    assert.equal(files[0]?.outcome, 'verified')
    assert.equal(files[0].opened?.secrets, 2)
    assert.equal(files[0].opened?.checksum, 'ciphertext and tag, hex')
    assert.deepEqual(await readdir(scratchFolder), [])
  })
})

test('the failure of a file that was asked for alone is the failure of the command', async () => {
  assert.equal(onlyFailure(await taken({ 'b.enc': damaged.subarray(0, 30) }, 'b.enc'))?.kind, 'corrupt')
  assert.equal(onlyFailure(await taken(mixed, '')), undefined)
})

test('cancelling ends it and is no failure of a file', async () => {
  const controller = new AbortController()
  async function* sources(): AsyncIterable<KleidiaSource> {
    yield sourceFor(sampleFile(), 'a.enc')
    controller.abort()
    yield sourceFor(sampleFile(), 'b.enc')
  }
  await inFolder(async (folder) => {
    const act = { type: 'unpack', password: secretPassword, folder, limits: usualLimits } as const
    const cancelled = { ...context, signal: controller.signal }
    await assert.rejects(importKleidia(sources(), act, cancelled), { kind: 'cancelled' })
    assert.deepEqual(await readdir(folder), ['a.enc'])
  })
})

test('a local file may have any name', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'backup (copy) ü.enc')
    await writeFile(path, sampleFile())
    const source = await localSource(path, 'backup (copy) ü.enc')
    const unpacked = await unpackKleidia({ source, password: secretPassword }, join(folder, 'out'), context)
    assert.equal(unpacked.contents.secretCount, 2)
  })
})

test('the password is a Secret wherever it is kept', () => {
  const act: KleidiaAct = { type: 'unpack', password: new Secret('CANARY'), folder: '/', limits: usualLimits }
  assert.doesNotMatch(JSON.stringify(act), /CANARY/)
})
