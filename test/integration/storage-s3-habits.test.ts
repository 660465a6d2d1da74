import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { Secret } from '../../src/core/secret.ts'
import { probeStorage } from '../../src/storage/probe.ts'
import { openS3 } from '../../src/storage/s3/s3.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { collect } from '../../src/storage/streams.ts'
import { namesOf, never, patternedBytes, sha256, streamed } from '../../src/storage/testing/bodies.ts'
import { retrying } from '../../src/storage/wrap/retrying.ts'
import { systemClock } from '../../src/system/clock.ts'
import { habits } from '../parts/odd-s3-habits.ts'
import type { Habit } from '../parts/odd-s3-habits.ts'
import { startOddS3 } from '../parts/odd-s3.ts'

/** Servers that are S3 in most things: each works, or the probe says what it lacks, and none is taken for damage. */
const large = patternedBytes(5 * 1024 * 1024 + 7)

async function withServer(habit: Habit, act: (storage: Storage) => Promise<void>): Promise<void> {
  const server = await startOddS3(habit)
  const settings = {
    url: 's3://bucket/pre/fix',
    endpoint: server.endpoint,
    accessKey: new Secret('k'),
    secretKey: new Secret('s'),
  }
  try {
    const storage = await openS3(settings, { signal: never, limits: { retries: 2, firstPause: 1 } })
    await act(retrying(storage, { firstPause: 1, laterRetries: 2 }))
  } finally {
    await server.stop()
  }
}

/** What the probe finds wrong. */
async function wrongWith(storage: Storage): Promise<string[]> {
  const { findings } = await probeStorage(storage, systemClock, never)
  for (const { level, hint, message } of findings) assert.ok(level === 'ok' || hint !== undefined, message)
  return findings.filter(({ level }) => level !== 'ok').map(({ level, subject }) => `${level}: ${subject}`)
}

/** Everything that backups, restores and prune do. */
async function use(storage: Storage): Promise<void> {
  await storage.put('a/small', Buffer.from('x'), never)
  await storage.put('a/large', streamed(large), never)
  await storage.put('a/empty', Buffer.alloc(0), never)
  await assert.rejects(storage.put('a/small', Buffer.from('y'), never), { kind: 'refused' })
  await assert.rejects(storage.put('a/large', streamed(large), never), { kind: 'refused' })
  assert.equal(sha256(await collect(await storage.get('a/large', never))), sha256(large))
  assert.equal((await collect(await storage.get('a/empty', never))).length, 0)
  const range = await collect(await storage.get('a/large', never, { offset: 100, length: 50 }))
  assert.deepEqual(range, large.subarray(100, 150))
  await assert.rejects(storage.get('a/small', never, { offset: 0, length: 9 }), { kind: 'corrupt' })
  const sizes = []
  for (const name of ['a/empty', 'a/small', 'a/large']) sizes.push((await storage.stat(name, never)).size)
  assert.deepEqual(sizes, [0, 1, large.length])
  await assert.rejects(storage.stat('a/none', never), { kind: 'notFound' })
  assert.deepEqual(await namesOf(storage, 'a/'), ['a/empty', 'a/large', 'a/small'])
  assert.ok((await storage.now(never)).getTime() > 0)
  assert.equal(await storage.tidy?.(new Date(), never), 0)
  await storage.remove('a/small', never)
  await storage.remove('a/small', never)
  assert.deepEqual(await namesOf(storage, 'a/'), ['a/empty', 'a/large'])
}

/** What is found wrong with a server that works all the same; nothing where nothing need be said. */
const working: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    [
      ['none', 'otherOrderBelowSlash', 'otherOrder', 'byFolder', 'repeatsEverySecond', 'noKeyCount', 'noIsTruncated'],
      ['noNextToken', 'sameToken', 'unknownElement', 'getWithoutLength', 'headWithoutLength', 'headOfZero'],
      ['headWithoutDate', 'noHead', 'ignoresRange', 'refusesRange', 'noIfMatch', 'noMetadata', 'smallHeaders'],
      ['completeConditionRefused', 'completeConditionInvalid', 'completeConditionIgnored', 'tagIsNoHash'],
      ['completesWithoutTag', 'completesOnceWithError', 'noChecksums', 'noDigest', 'noExpect', 'wantsLength'],
      ['removalAnswers200', 'noUploadsList', 'sometimesBusy'],
    ]
      .flat()
      .map((name) => [name, []]),
  ),
  putConditionRefused: ['warning: two writers of one name'],
  putConditionIgnored: ['warning: two writers of one name'],
  conditionsRefused: ['warning: two writers of one name'],
}

for (const [name, found] of Object.entries(working)) {
  test(`a server works although: ${name}`, async () => {
    await withServer(habits[name]!, async (storage) => {
      assert.deepEqual(await wrongWith(storage), found)
      assert.deepEqual(await namesOf(storage), [], 'the probe left something')
      await use(storage)
    })
  })
}

/** What the probe finds lacking. */
const lacking: Readonly<Record<string, readonly string[]>> = {
  noSizes: ['error: listing a prefix', 'error: removing'],
  cutListing: ['error: listing a prefix', 'error: the clocks'],
  pageOfHtml: ['error: listing a prefix'],
  lagging: ['error: listing a prefix'],
  truncating: ['error: listing a prefix'],
  noDate: ['error: the clocks'],
  completesWithError: ['error: a blob in parts'],
  noParts: ['error: a blob in parts'],
  partsWithoutTag: ['error: a blob in parts'],
  dropsPuts: ['error: storing and reading', 'error: listing a prefix'],
  forbidsMissing: ['error: a missing blob', 'error: a blob in parts'],
  noDelete: ['warning: removing'],
}

for (const [name, expected] of Object.entries(lacking)) {
  test(`a server that lacks something is unsupported, and the probe says what: ${name}`, async () => {
    await withServer(habits[name]!, async (storage) => {
      const found = await wrongWith(storage)
      for (const finding of expected) assert.ok(found.includes(finding), `${finding} in ${found.join()}`)
      await use(storage).catch((error: unknown) => {
        if (error instanceof assert.AssertionError) return
        assert.ok(isFailure(error, 'unsupported') || isFailure(error, 'denied'), String(error))
        assert.match(error.hint ?? '', /[A-Z].*\./)
      })
    })
  })
}

test('a server that sends elsewhere, or has another clock, is named as that at opening', async () => {
  await assert.rejects(withServer(habits['elsewhere']!, use), {
    kind: 'usage',
    message: /another address.*other\.example\.org/,
    hint: /region .*endpoint/,
  })
  await assert.rejects(withServer(habits['otherClock']!, use), { kind: 'denied', message: /clocks/, hint: /NTP/ })
})

test('every habit is tried', () => {
  const tried = [...Object.keys(working), ...Object.keys(lacking), 'elsewhere', 'otherClock']
  assert.deepEqual(Object.keys(habits).toSorted(), tried.toSorted())
})
