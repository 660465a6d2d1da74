import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { isFailure } from '../../core/failure.ts'
import type { Failure, FailureKind } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import type { Storage } from '../storage.ts'
import { collect } from '../streams.ts'
import { hashOf, namesOf, never, patternedBytes, sha256, streamed, throwing } from './bodies.ts'

const MEBIBYTE = 1024 * 1024

export interface ContractSubject {
  /** Empty storage. */
  readonly storage: Storage
  /** The same place, opened once more as another process would; absent for storage that keeps blobs in memory. */
  readonly second?: Storage
  /** Ends what was started for it. */
  readonly close?: () => Promise<void>
}

export interface ContractOptions {
  /** Sizes at which this storage begins to work differently; each is tried one byte below, at and above. */
  readonly boundaries?: readonly number[]
  /** Length of the stream that must pass through in bounded memory; absent for storage that keeps blobs in memory. */
  readonly bigStream?: number
  /** Where unfinished uploads lie, for storage that can leave any: how many there are. */
  readonly unfinished?: () => Promise<number>
}

/** The most that storing a big stream may add to the memory outside the JavaScript heap. */
const MEMORY_ALLOWED = 160 * MEBIBYTE

/** Registers tests for everything that `Storage` promises. Each kind of storage runs them; see docs/contribute/adding-a-storage.md. */
export function storageContract(
  name: string,
  make: () => Promise<ContractSubject>,
  options: ContractOptions = {},
): void {
  describe(`${name} keeps the storage contract`, () => {
    let subject: ContractSubject
    before(async () => (subject = await make()))
    after(() => subject.close?.())
    const storage = (): Storage => subject.storage
    wholeBlobs(storage, options)
    createOnly(storage, () => subject.second ?? subject.storage)
    failedPuts(storage, options)
    listings(storage)
    readingAndRemoving(storage)
    names(storage)
    cancellation(storage, options)
    if (options.bigStream !== undefined) bigStream(storage, options.bigStream)
  })
}

/** Asserts that an act fails with this kind of failure. */
export async function assertFails(act: Promise<unknown>, kind: FailureKind): Promise<Failure> {
  const error: unknown = await act.then(
    () => assert.fail(`succeeded where ${kind} was expected`),
    (error: unknown) => error,
  )
  if (isFailure(error, kind)) return error
  throw new assert.AssertionError({ message: `expected a failure of kind ${kind}`, actual: error, expected: kind })
}

type Subject = () => Storage

async function assertHolds(storage: Storage, name: string, bytes: Uint8Array): Promise<void> {
  assert.equal((await storage.stat(name, never)).size, bytes.length)
  assert.equal(await hashOf(await storage.get(name, never)), sha256(bytes))
}

function wholeBlobs(storage: Subject, { boundaries = [] }: ContractOptions): void {
  const sizes = new Set([0, 1, 1000, 65_536, ...boundaries.flatMap((size) => [size - 1, size, size + 1])])
  for (const size of sizes) {
    test(`a stream of ${size} bytes comes back as it was`, async () => {
      const bytes = patternedBytes(size, size + 1)
      const info = await storage().put(`whole/stream-${size}`, streamed(bytes), never)
      assert.deepEqual({ name: info.name, size: info.size }, { name: `whole/stream-${size}`, size })
      await assertHolds(storage(), `whole/stream-${size}`, bytes)
    })
    test(`an array of ${size} bytes comes back as it was`, async () => {
      const bytes = patternedBytes(size, size + 2)
      await storage().put(`whole/array-${size}`, bytes, never)
      await assertHolds(storage(), `whole/array-${size}`, bytes)
    })
  }

  test('a blob carries the time of the storage, in what put, stat and list tell', async () => {
    const earliest = (await storage().now(never)).getTime() - 2000
    const put = await storage().put('time/one', Buffer.from('x'), never)
    const latest = (await storage().now(never)).getTime() + 2000
    for await (const listed of storage().list('time/', never))
      assert.ok(Math.abs(listed.modified.getTime() - put.modified.getTime()) <= 1000)
    assert.ok(put.modified.getTime() >= earliest && put.modified.getTime() <= latest)
  })

  test('chunks of no bytes change nothing', async () => {
    await storage().put('whole/empty-chunks', emptyChunks(), never)
    await assertHolds(storage(), 'whole/empty-chunks', Buffer.from('ab'))
  })
}

async function* emptyChunks(): Bytes {
  for (const text of ['', 'a', '', 'b', '']) yield Buffer.from(text)
}

function createOnly(storage: Subject, second: Subject): void {
  test('a name that exists is refused and keeps its blob', async () => {
    const first = Buffer.from('first')
    await storage().put('once/blob', first, never)
    await assertFails(storage().put('once/blob', Buffer.from('second'), never), 'refused')
    await assertFails(storage().put('once/blob', streamed(Buffer.from('third')), never), 'refused')
    await assertHolds(storage(), 'once/blob', first)
  })

  test('of two writers racing for one name exactly one succeeds', async () => {
    if (!storage().features.createOnly) assert.fail('this storage says that it does not keep writers apart')
    for (let round = 0; round < 10; round += 1) {
      const bodies = [1, 2].map((seed) => patternedBytes(5000, 100 * round + seed))
      const writers = [storage(), second()]
      const puts = await Promise.allSettled(
        bodies.map((bytes, index) => writers[index]!.put(`race/${round}`, streamed(bytes), never)),
      )
      const winner = puts.findIndex(({ status }) => status === 'fulfilled')
      const loser = puts[1 - winner]
      assert.ok(loser?.status === 'rejected' && isFailure(loser.reason, 'refused'), 'the other must be refused')
      for (const reader of writers) await assertHolds(reader, `race/${round}`, bodies[winner]!)
    }
  })
}

function failedPuts(storage: Subject, { boundaries = [], unfinished }: ContractOptions): void {
  for (const size of [0, 1000, ...boundaries.flatMap((boundary) => [boundary, 3 * boundary + 5])]) {
    test(`a stream that throws after ${size} bytes leaves nothing, and its error is thrown on`, async () => {
      const error = new Error('the producer failed')
      await assert.rejects(
        storage().put('failed/blob', throwing(patternedBytes(size), error), never),
        (thrown) => thrown === error,
      )
      await assertFails(storage().stat('failed/blob', never), 'notFound')
      assert.deepEqual(await namesOf(storage(), 'failed/'), [])
      if (unfinished !== undefined) assert.equal(await unfinished(), 0, 'an unfinished upload was left')
    })
  }

  test('a name that exists is refused before a long stream was read, and the producer is ended', async () => {
    await storage().put('ended/blob', Buffer.from('there'), never)
    let isEnded = false
    const chunk = patternedBytes(MEBIBYTE)
    async function* producer(): Bytes {
      try {
        for (let count = 0; count < 64; count += 1) yield await setImmediate(chunk)
        assert.fail('all of a blob was read that must be refused')
      } finally {
        isEnded = true
      }
    }
    await assertFails(storage().put('ended/blob', producer(), never), 'refused')
    assert.ok(isEnded)
  })
}

function listings(storage: Subject): void {
  test('a listing is complete, in name order, and each blob once', async () => {
    const names = ['a', 'a-1', 'a.b', 'aa/b', 'b/a-1/x', 'b/a/1', 'b/a/10', 'b/a/2', 'b/a.b', 'b/aB', 'b/a_1', 'b/Z']
    for (const name of names.toReversed()) await storage().put(`list/${name}`, Buffer.from(name), never)
    const expected = names.map((name) => `list/${name}`).toSorted((one, other) => (one < other ? -1 : 1))
    assert.deepEqual(await namesOf(storage(), 'list/'), expected)
    assert.deepEqual(
      await namesOf(storage(), 'list/b/a'),
      expected.filter((name) => name.startsWith('list/b/a')),
    )
    assert.deepEqual(await namesOf(storage(), 'list/b/a/'), ['list/b/a/1', 'list/b/a/10', 'list/b/a/2'])
    assert.deepEqual(await namesOf(storage(), 'list/b/a/10'), ['list/b/a/10'])
    assert.deepEqual(await namesOf(storage(), 'nothing/'), [])
    const all = await namesOf(storage())
    assert.deepEqual(
      all,
      all.toSorted((one, other) => (one < other ? -1 : 1)),
    )
    assert.ok(expected.every((name) => all.includes(name)))
  })

  test('a listing of more than a thousand blobs is complete', async () => {
    const names = Array.from({ length: 1003 }, (_, index) => `many/${String(index).padStart(4, '0')}`)
    for (let from = 0; from < names.length; from += 50) {
      await Promise.all(names.slice(from, from + 50).map((name) => storage().put(name, Buffer.from('x'), never)))
    }
    assert.deepEqual(await namesOf(storage(), 'many/'), names)
  })
}

function readingAndRemoving(storage: Subject): void {
  test('ranges give their bytes', async () => {
    const bytes = patternedBytes(200_000)
    await storage().put('range/blob', bytes, never)
    const read = async (offset: number, length?: number): Promise<Buffer> =>
      collect(await storage().get('range/blob', never, length === undefined ? { offset } : { offset, length }))
    assert.deepEqual(await read(0, 10), bytes.subarray(0, 10))
    assert.deepEqual(await read(70_000, 66_000), bytes.subarray(70_000, 136_000))
    assert.deepEqual(await read(199_999), bytes.subarray(199_999))
    assert.deepEqual(await read(0), bytes)
    assert.deepEqual(await read(5, 0), Buffer.alloc(0))
    assert.deepEqual(await read(200_000), Buffer.alloc(0))
    await assertFails(read(199_999, 2), 'corrupt')
    await assertFails(read(200_001), 'corrupt')
    await assertFails(read(-1, 2), 'usage')
    await assertFails(read(0.5, 2), 'usage')
  })

  test('a missing blob is notFound, for what can be a folder as well', async () => {
    await storage().put('missing/folder/blob', Buffer.from('x'), never)
    for (const name of ['missing/blob', 'missing/folder', 'missing/folder/blob/under']) {
      await assertFails(storage().stat(name, never), 'notFound')
      await assertFails(storage().get(name, never), 'notFound')
      await storage().remove(name, never)
    }
    assert.deepEqual(await namesOf(storage(), 'missing/'), ['missing/folder/blob'])
  })

  test('a removed blob is gone, can be removed again, and its name is free', async () => {
    await storage().put('removed/folder/blob', Buffer.from('one'), never)
    await storage().remove('removed/folder/blob', never)
    await storage().remove('removed/folder/blob', never)
    await assertFails(storage().get('removed/folder/blob', never), 'notFound')
    assert.deepEqual(await namesOf(storage(), 'removed/'), [])
    await storage().put('removed/folder/blob', Buffer.from('two'), never)
    await assertHolds(storage(), 'removed/folder/blob', Buffer.from('two'))
  })

  test('a reader that leaves early leaves nothing open', async () => {
    await storage().put('early/blob', patternedBytes(3 * MEBIBYTE), never)
    for (let round = 0; round < 5; round += 1) {
      for await (const chunk of await storage().get('early/blob', never)) {
        assert.ok(chunk.length > 0)
        break
      }
    }
    await assertHolds(storage(), 'early/blob', patternedBytes(3 * MEBIBYTE))
  })
}

function names(storage: Subject): void {
  const wrong = [
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    'a/../b',
    '.hidden',
    'a/.tmp',
    'a b',
    'ä',
    'a\0b',
    'a\\b',
    'a:b',
    '*',
    'x'.repeat(256),
  ]
  for (const name of wrong) {
    test(`the name ${JSON.stringify(name.slice(0, 20))} is not allowed`, async () => {
      await assertFails(storage().put(name, Buffer.from('x'), never), 'usage')
      await assertFails(storage().get(name, never), 'usage')
      await assertFails(storage().stat(name, never), 'usage')
      await assertFails(storage().remove(name, never), 'usage')
    })
  }

  test('a prefix that no name can start with is not allowed', async () => {
    for (const prefix of ['/', '../', 'a//', '.x']) await assertFails(namesOf(storage(), prefix), 'usage')
  })

  test('a name of 255 bytes is allowed', async () => {
    const name = `long/${'x'.repeat(200)}/${'y'.repeat(49)}`
    await storage().put(name, Buffer.from('x'), never)
    assert.deepEqual(await namesOf(storage(), 'long/'), [name])
    const flat = 'z'.repeat(255)
    await storage().put(flat, Buffer.from('x'), never)
    await assertHolds(storage(), flat, Buffer.from('x'))
  })
}

async function drain(listing: ReturnType<Storage['list']>): Promise<void> {
  for await (const blob of listing) assert.ok(blob.name !== '')
}

function cancellation(storage: Subject, { unfinished }: ContractOptions): void {
  test('a cancelled call does nothing', async () => {
    await storage().put('cancelled/there', patternedBytes(MEBIBYTE), never)
    const signal = AbortSignal.abort()
    await assertFails(storage().put('cancelled/blob', Buffer.from('x'), signal), 'cancelled')
    await assertFails(storage().get('cancelled/there', signal), 'cancelled')
    await assertFails(storage().stat('cancelled/there', signal), 'cancelled')
    await assertFails(storage().remove('cancelled/there', signal), 'cancelled')
    await assertFails(drain(storage().list('cancelled/', signal)), 'cancelled')
    assert.deepEqual(await namesOf(storage(), 'cancelled/'), ['cancelled/there'])
  })

  test('a put is cancelled while its producer is silent, and leaves nothing', async () => {
    const controller = new AbortController()
    async function* silent(): Bytes {
      yield patternedBytes(12 * MEBIBYTE)
      setTimeout(() => controller.abort(), 100)
      await new Promise(() => undefined)
    }
    await assertFails(storage().put('cancelled/silent', silent(), controller.signal), 'cancelled')
    assert.deepEqual(await namesOf(storage(), 'cancelled/silent'), [])
    if (unfinished !== undefined) assert.equal(await unfinished(), 0, 'an unfinished upload was left')
  })

  test('a read is cancelled between its chunks', async () => {
    await storage().put('cancelled/read', patternedBytes(3 * MEBIBYTE), never)
    const controller = new AbortController()
    const read = async (): Promise<void> => {
      for await (const chunk of await storage().get('cancelled/read', controller.signal))
        if (chunk.length > 0) controller.abort()
    }
    await assertFails(read(), 'cancelled')
  })
}

function bigStream(storage: Subject, length: number): void {
  test(`a stream of ${length / MEBIBYTE} MiB passes in bounded memory and comes back`, async () => {
    const sent = createHash('sha256')
    const before = process.memoryUsage()
    let peak = 0
    const outside = ({ external, arrayBuffers }: NodeJS.MemoryUsage): number => Math.max(external, arrayBuffers)
    async function* big(): Bytes {
      const chunk = patternedBytes(MEBIBYTE)
      for (let done = 0; done < length; done += chunk.length) {
        chunk.writeUInt32BE(done % 0xffff_ffff)
        sent.update(chunk)
        peak = Math.max(peak, outside(process.memoryUsage()) - outside(before))
        yield chunk
      }
    }
    const { size } = await storage().put('big/blob', big(), never)
    assert.equal(size, length)
    assert.ok(peak < MEMORY_ALLOWED, `used ${Math.round(peak / MEBIBYTE)} MiB`)
    assert.equal(await hashOf(await storage().get('big/blob', never)), sent.digest('hex'))
    await storage().remove('big/blob', never)
  })
}
