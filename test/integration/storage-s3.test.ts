import assert from 'node:assert/strict'
import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { after, test } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { probeStorage } from '../../src/storage/probe.ts'
import { openS3 } from '../../src/storage/s3/s3.ts'
import type { S3Settings } from '../../src/storage/s3/settings.ts'
import { collect } from '../../src/storage/streams.ts'
import { namesOf, never, patternedBytes, streamed } from '../../src/storage/testing/bodies.ts'
import { assertFails, storageContract } from '../../src/storage/testing/contract.ts'
import { systemClock } from '../../src/system/clock.ts'
import { makeBucket } from '../parts/s3-bucket.ts'
import { startS3 } from '../parts/s3.ts'

const MEBIBYTE = 1024 * 1024
const server = await startS3()
const bucket = await makeBucket(server)
after(async () => {
  await bucket.remove()
  await server.stop()
})

const open = (prefix: string, changes: Partial<S3Settings> = {}) =>
  openS3({ ...bucket.settings(prefix), ...changes }, { signal: never })

const openForContract = () => open('contract/here', { partSize: 5 * MEBIBYTE })

storageContract('s3', async () => ({ storage: await openForContract(), second: await openForContract() }), {
  boundaries: [5 * MEBIBYTE],
  bigStream: 256 * MEBIBYTE,
  unfinished: () => bucket.unfinished(),
})

test('the probe finds nothing wrong and leaves nothing', async () => {
  const storage = await open('probe')
  assert.equal(storage.features.createOnly, true)
  const { createOnly, findings } = await probeStorage(storage, systemClock, never)
  assert.equal(createOnly, true)
  assert.deepEqual(
    findings.filter(({ level }) => level !== 'ok'),
    [],
  )
  assert.deepEqual(await namesOf(storage), [])
})

test('storage that is known not to keep writers apart still refuses a name it sees', async () => {
  const storage = await open('single-writer', { createOnly: false })
  assert.equal(storage.features.createOnly, false)
  await storage.put('blob', Buffer.from('one'), never)
  await assertFails(storage.put('blob', Buffer.from('two'), never), 'refused')
  assert.equal((await collect(await storage.get('blob', never))).toString(), 'one')
})

test('two prefixes of one bucket do not see each other, nor what has no name of ours', async () => {
  const [one, other] = [await open('side'), await open('side-by-side')]
  await one.put('blob', Buffer.from('one'), never)
  await other.put('blob', Buffer.from('other'), never)
  await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: 'side/with space', Body: 'x' }))
  await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: 'side/folder/' }))
  assert.deepEqual(await namesOf(one), ['blob'])
  assert.equal((await collect(await one.get('blob', never))).toString(), 'one')
})

test('tidy ends uploads of dead writers under our prefix, and only those', async () => {
  const storage = await open('tidy')
  const start = (Key: string) => bucket.client.send(new CreateMultipartUploadCommand({ Bucket: bucket.name, Key }))
  await start('tidy/data/1')
  await start('tidy/data/2')
  await start('tidy-not/data/1')
  assert.equal(await storage.tidy?.(new Date(Date.now() - 60_000), never), 0)
  assert.equal(await storage.tidy?.(new Date(Date.now() + 60_000), never), 2)
  assert.equal(await bucket.unfinished(), 1)
  assert.equal(await (await open('tidy-not')).tidy?.(new Date(Date.now() + 60_000), never), 1)
})

test('wrong keys are denied, and what is denied is said', async () => {
  const storage = await open('denied', { secretKey: new Secret('wrong'), createOnly: true })
  const failure = await assertFails(storage.stat('blob', never), 'denied')
  assert.match(failure.hint ?? '', /keys/)
  await assertFails(storage.put('blob', streamed(patternedBytes(10)), never), 'denied')
  assert.equal((await open('denied', { secretKey: new Secret('wrong') })).features.createOnly, false)
})

test('a missing bucket is named', async () => {
  const storage = await openS3(
    { ...bucket.settings(''), url: 's3://no-such-bucket-here', createOnly: true },
    { signal: never },
  )
  const failure = await assertFails(storage.put('blob', Buffer.from('x'), never), 'notFound')
  assert.match(failure.message, /no-such-bucket-here/)
  assert.match(failure.hint ?? '', /bucket/)
  await assertFails(namesOf(storage), 'notFound')
})
