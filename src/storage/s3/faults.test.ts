import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Storage } from '../storage.ts'
import { collect } from '../streams.ts'
import { never, patternedBytes, sha256, streamed } from '../testing/bodies.ts'
import { assertFails } from '../testing/contract.ts'
import {
  answering,
  breaking,
  errorAnswer,
  FakeS3,
  losingTheAnswer,
  send,
  silent,
  stopping,
} from '../testing/fake-s3.ts'
import type { FakeFault } from '../testing/fake-s3.ts'
import { contentMd5 } from './upload/checksum.ts'
import { openS3 } from './s3.ts'
import type { S3Settings } from './settings.ts'

const PART = 5 * 1024 * 1024
const small = Buffer.from('small')
const large = patternedBytes(2 * PART + 100)
const limits = { idle: 60_000, retries: 2, firstPause: 1, slowest: 1024 * 1024 * 1024 }
/** For tests in which the server goes silent: short, and yet longer than a busy machine stops for. */
const impatient = { ...limits, idle: 1500 }

let fake: FakeS3
let storage: Storage
let warnings: string[]
let settings: S3Settings

beforeEach(async () => {
  fake = new FakeS3()
  warnings = []
  settings = { ...(await fake.start()), partSize: PART }
  storage = await openS3(settings, { signal: never, limits, warn: (message) => warnings.push(message) })
})

/** Storage that soon gives up a silent server. */
const openImpatient = () => openS3(settings, { signal: never, limits: impatient })

afterEach(async () => {
  await fake.stop()
  assert.equal(fake.faultsLeft, 0, 'faults that never fired')
})

const stored = (name: string): Buffer | undefined => fake.objects.get(name)?.bytes

for (const [what, fault] of [
  ['503', answering(errorAnswer(503, 'SlowDown'))],
  ['500', answering(errorAnswer(500, 'InternalError'))],
  ['a broken connection', breaking],
  ['a conflict', answering(errorAnswer(409, 'ConditionalRequestConflict'))],
] as const) {
  test(`a put goes through after ${what}`, async () => {
    fake.fail('put', fault)
    await storage.put('blob', small, never)
    assert.deepEqual(stored('blob'), small)
  })
  test(`a part goes through after ${what}`, async () => {
    fake.fail('part', fault)
    await storage.put('blob', streamed(large), never)
    assert.equal(sha256(stored('blob')!), sha256(large))
  })
}

test('a server that wants a checksum of its own with every part gets one, asked for once', async () => {
  const digests: (string | undefined)[] = []
  const demanding: FakeFault = ({ request, response, proceed }) => {
    const digest = request.headers['content-md5']
    digests.push(digest === undefined ? undefined : String(digest))
    const message = 'Content-MD5 OR x-amz-checksum- HTTP header is required for Upload Part requests with Object Lock'
    send(response, digest === undefined ? errorAnswer(400, 'InvalidRequest', message) : proceed())
  }
  // Two parts are on their way at once, so two may be refused.
  for (let count = 0; count < 6; count += 1) fake.fail('part', demanding)
  await storage.put('blob', streamed(large), never)
  await storage.put('other', streamed(large), never)
  assert.equal(sha256(stored('blob')!), sha256(large))
  const asked = digests.filter((digest) => digest === undefined).length
  assert.ok(asked === 1 || asked === 2, `${asked} parts without`)
  assert.ok(digests.includes(contentMd5(large.subarray(0, PART))))
})

test('what stays unreachable fails as that, after a bounded number of attempts', async () => {
  for (let count = 0; count < 3; count += 1) fake.fail('put', answering(errorAnswer(503, 'SlowDown')))
  const failure = await assertFails(storage.put('blob', small, never), 'unreachable')
  assert.match(failure.message, /503/)
  assert.equal(fake.calls.length, 3)
})

test('a call of one request is made once, since its caller can repeat it', async () => {
  fake.fail('head', breaking).fail('get', breaking).fail('delete', breaking).fail('list', breaking)
  await assertFails(storage.stat('blob', never), 'unreachable')
  await assertFails(storage.get('blob', never), 'unreachable')
  await assertFails(storage.remove('blob', never), 'unreachable')
  await assertFails(storage.now(never), 'unreachable')
  assert.equal(fake.calls.length, 4)
})

test('a put goes through after silence', async () => {
  fake.fail('put', silent)
  await (await openImpatient()).put('blob', small, never)
  assert.deepEqual(stored('blob'), small)
})

test('a silent server is given up after the limit', async () => {
  fake.fail('get', silent)
  const failure = await assertFails((await openImpatient()).get('blob', never), 'unreachable')
  assert.match(failure.message, /cannot be reached \(TimeoutError\)/)
})

test('cancelling does not wait for a silent server', async () => {
  const controller = new AbortController()
  fake.fail('put', () => controller.abort())
  const begun = performance.now()
  await assertFails(storage.put('blob', small, controller.signal), 'cancelled')
  assert.ok(performance.now() - begun < limits.idle / 4)
})

test('a put whose answer was lost succeeds, as one part and in parts', async () => {
  fake.fail('put', losingTheAnswer).fail('complete', losingTheAnswer)
  await storage.put('one', small, never)
  await storage.put('many', streamed(large), never)
  assert.deepEqual(stored('one'), small)
  assert.equal(sha256(stored('many')!), sha256(large))
  assert.equal(fake.uploads.size, 0)
})

test('a refusal after a broken connection is one when the blob is of another, even with the same bytes', async () => {
  const overtaken: FakeFault = (exchange) => {
    exchange.fake.objects.set('blob', { bytes: small, mark: 'of another' })
    exchange.response.destroy()
  }
  fake.fail('put', overtaken)
  await assertFails(storage.put('blob', small, never), 'refused')
})

test('another writer who is first during a long upload keeps the name, and the upload is ended', async () => {
  fake.fail('complete', ({ fake: server, proceed, response }) => {
    server.objects.set('blob', { bytes: small, mark: 'of another' })
    send(response, proceed())
  })
  await assertFails(storage.put('blob', streamed(large), never), 'refused')
  assert.deepEqual(stored('blob'), small)
  assert.equal(fake.uploads.size, 0)
})

test('an error in the body of a successful completion is an error', async () => {
  for (let count = 0; count < 3; count += 1) fake.fail('complete', answering({ ...errorAnswer(200, 'InternalError') }))
  await assertFails(storage.put('blob', streamed(large), never), 'unreachable')
  assert.equal(stored('blob'), undefined)
  assert.equal(fake.uploads.size, 0)
})

test('a completion after which there is no blob is unsupported', async () => {
  fake.fail(
    'complete',
    answering({ status: 200, body: '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>' }),
  )
  await assertFails(storage.put('blob', streamed(large), never), 'unsupported')
})

test('a part without a tag is unsupported', async () => {
  fake.fail('part', answering({ status: 200 }))
  await assertFails(storage.put('blob', streamed(large), never), 'unsupported')
  assert.equal(fake.uploads.size, 0)
})

test('a blob that is stored with another length is corrupt', async () => {
  const framed: FakeFault = (exchange) => {
    const answer = exchange.proceed()
    const object = exchange.fake.objects.get('blob')!
    exchange.fake.objects.set('blob', { ...object, bytes: Buffer.concat([object.bytes, Buffer.from('0;framing')]) })
    send(exchange.response, answer)
  }
  fake.fail('put', framed)
  await assertFails(storage.put('blob', small, never), 'corrupt')
})

test('damage on the way is corrupt, a full storage refused, a lacking ability unsupported', async () => {
  fake.fail('put', answering(errorAnswer(400, 'BadDigest')))
  await assertFails(storage.put('blob', small, never), 'corrupt')
  fake.fail('put', answering(errorAnswer(507, 'XMinioStorageFull')))
  await assertFails(storage.put('blob', small, never), 'refused')
  // Asked for with and without the checksum.
  fake.fail('put', answering(errorAnswer(501, 'NotImplemented'))).fail('put', answering(errorAnswer(501, 'Other')))
  assert.match((await assertFails(storage.put('blob', small, never), 'unsupported')).message, /NotImplemented/)
  fake.fail('put', answering(errorAnswer(301, 'PermanentRedirect')))
  await assertFails(storage.put('blob', small, never), 'usage')
})

test('an upload that cannot be aborted is told of', async () => {
  fake
    .fail('part', answering(errorAnswer(403, 'AccessDenied')))
    .fail('abort', answering(errorAnswer(403, 'AccessDenied')))
  await assertFails(storage.put('blob', streamed(large), never), 'denied')
  assert.match(warnings.join(), /unfinished upload of blob stays/)
})

for (const how of ['break', 'silence'] as const) {
  test(`a read goes on where it was after a ${how}`, async () => {
    await storage.put('blob', streamed(large), never)
    const reader = await openImpatient()
    fake.fail('get', stopping(1_000_000, how)).fail('get', breaking).fail('get', stopping(500_000, how))
    assert.equal(sha256(await collect(await reader.get('blob', never))), sha256(large))
    fake.fail('get', stopping(100_000, how))
    const range = await collect(await reader.get('blob', never, { offset: 7, length: 200_000 }))
    assert.deepEqual(range, large.subarray(7, 200_007))
  })
}

test('a read that gets no further is given up', async () => {
  await storage.put('blob', small, never)
  for (let count = 0; count < 5; count += 1) fake.fail('get', stopping(0, 'break'))
  await assertFails(
    storage.get('blob', never).then((stream) => collect(stream)),
    'unreachable',
  )
})

test('a read goes on in the whole blob where the rest alone is not given, and not in another blob', async () => {
  await storage.put('blob', streamed(large), never)
  const read = async (): Promise<Buffer> => collect(await storage.get('blob', never))
  fake.fail('get', stopping(1_000_000, 'break')).fail('get', ({ request, response, proceed }) => {
    delete request.headers.range
    send(response, proceed())
  })
  assert.equal(sha256(await read()), sha256(large))
  fake.fail('get', ({ fake: server, ...exchange }) => {
    const answer = stopping(1_000_000, 'break')({ fake: server, ...exchange })
    server.objects.set('blob', { bytes: large.toReversed() as Buffer, mark: 'of another' })
    return answer
  })
  await assertFails(read(), 'corrupt')
})

test('a read that is cancelled ends at once, even while the server is silent', async () => {
  await storage.put('blob', streamed(large), never)
  const controller = new AbortController()
  fake.fail('get', async (exchange) => {
    await stopping(1000, 'silence')(exchange)
    setTimeout(() => controller.abort(), 50)
  })
  const begun = performance.now()
  await assertFails(
    storage.get('blob', controller.signal).then((stream) => collect(stream)),
    'cancelled',
  )
  assert.ok(performance.now() - begun < limits.idle / 4)
})

test('a slow reader is no silent server', async () => {
  await storage.put('blob', streamed(large), never)
  const before = fake.calls.length
  let length = 0
  for await (const chunk of await (await openImpatient()).get('blob', never)) {
    if (length === 0) await new Promise((resolve) => setTimeout(resolve, 1.5 * impatient.idle))
    length += chunk.length
  }
  assert.equal(length, large.length)
  assert.equal(fake.calls.length, before + 1)
})

test('a server that ignores or lacks create-only puts is found out at opening', async () => {
  const { createOnly: _, ...unknown } = settings
  const open = () => openS3(unknown, { signal: never, limits })
  assert.equal((await open()).features.createOnly, true)
  const ignoring: FakeFault = ({ request, response, proceed }) => {
    delete request.headers['if-none-match']
    send(response, proceed())
  }
  fake.fail('put', ignoring).fail('put', ignoring)
  assert.equal((await open()).features.createOnly, false)
  fake.fail('put', answering(errorAnswer(501, 'NotImplemented'))).fail('put', answering(errorAnswer(501, 'Other')))
  assert.equal((await open()).features.createOnly, false)
  assert.equal(fake.objects.size, 0)
})
