import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../core/secret.ts'
import { systemClock } from '../system/clock.ts'
import { storageKinds, type StorageSettings } from './all.ts'
import { openStorage } from './open.ts'
import { never } from './testing/bodies.ts'

const open = (settings: StorageSettings) => openStorage(settings, { signal: never, clock: systemClock })

test('a URL opens its kind of storage, and the location says where it is', async () => {
  assert.equal((await open({ url: 'file:///srv/backup' })).location, 'file:///srv/backup')
  const endpoint = 'https://s3.internal:9000'
  const s3 = await open({
    url: 's3://bucket/a/b/',
    endpoint,
    accessKey: new Secret('k'),
    secretKey: new Secret('s'),
    createOnly: true,
  })
  assert.equal(s3.location, 's3://bucket/a/b at https://s3.internal:9000')
  assert.deepEqual(s3.features, { createOnly: true, remarks: [], partsAbove: 5 * 1024 * 1024 })
})

test('each kind has a protocol of its own, an example that is right, and no key that every repository has', () => {
  const protocols = storageKinds.map(({ protocol }) => protocol)
  assert.deepEqual([...new Set(protocols)], protocols)
  for (const kind of storageKinds) {
    const url = new URL(kind.example)
    assert.equal(url.protocol, kind.protocol)
    assert.equal(kind.expectedUrl(url), undefined, kind.example)
    for (const key of ['url', 'recipients', 'createOnly']) assert.ok(!(key in kind.settings), kind.protocol + key)
  }
})

test('a wrong location or setting is a usage failure that says what is right and shows no password', async () => {
  const keys = { accessKey: new Secret('k'), secretKey: new Secret('s') }
  const wrong: StorageSettings[] = [
    { url: '/srv/backup' },
    { url: 'ftp://user:hunter2@host/x' },
    { url: 's3://' },
    { url: 's3://user:hunter2@bucket/x' },
    { url: 's3://bucket/a b' },
    { url: 's3://bucket/../x' },
    { url: 's3://bucket', accessKey: new Secret('k') },
    { url: 's3://bucket', ...keys, endpoint: 'https://user:hunter2@host' },
    { url: 's3://bucket', ...keys, endpoint: 'host:9000' },
    { url: 's3://bucket', ...keys, partSize: 1024 },
    { url: 's3://bucket', ...keys, partSize: 1.5 },
  ]
  for (const settings of wrong) {
    await assert.rejects(
      open(settings),
      (error: Error & { kind?: string }) => error.kind === 'usage' && !error.message.includes('hunter2'),
      settings.url,
    )
  }
})
