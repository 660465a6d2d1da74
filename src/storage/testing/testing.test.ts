import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { memoryStorage } from './memory.ts'
import { collect } from '../streams.ts'
import { namesOf, never, patternedBytes } from './bodies.ts'
import { FaultyStorage } from './faulty.ts'
import { tampering } from './tampering.ts'

const bytes = patternedBytes(200_000)

test('a fault that never fired is an error of the test', async () => {
  const storage = new FaultyStorage(memoryStorage()).fail('get', { type: 'flip', at: 1 }, 'blob')
  assert.throws(() => storage.assertAllFired(), /faults that never fired/)
  await storage.put('blob', bytes, never)
  await collect(await storage.get('blob', never))
  storage.assertAllFired()
})

test('reads are truncated and flipped where it was asked for', async () => {
  const storage = new FaultyStorage(memoryStorage())
  await storage.put('blob', bytes, never)
  storage.fail('get', { type: 'truncate', after: 70_000 }).fail('get', { type: 'flip', at: 150_000 })
  assert.deepEqual(await collect(await storage.get('blob', never)), bytes.subarray(0, 70_000))
  const flipped = await collect(await storage.get('blob', never))
  const differing = [...flipped.keys()].filter((index) => flipped[index] !== bytes[index])
  assert.deepEqual(differing, [150_000])
  assert.deepEqual(await collect(await storage.get('blob', never)), bytes)
})

test('an act with a lost acknowledgement is done, one with an error instead is not', async () => {
  const error = new Failure('unreachable', 'lost')
  const storage = new FaultyStorage(memoryStorage())
    .fail('put', { type: 'after', error })
    .fail('put', { type: 'instead', error })
  await assert.rejects(storage.put('done', bytes, never), error)
  await assert.rejects(storage.put('not-done', bytes, never), error)
  assert.deepEqual(await namesOf(storage), ['done'])
})

test('a call that hangs ends with its cancellation', async () => {
  const storage = new FaultyStorage(memoryStorage()).fail('stat', { type: 'hang' })
  await assert.rejects(storage.stat('blob', AbortSignal.timeout(20)))
})

test('blobs change behind the back of the storage and come back', async () => {
  const storage = tampering(memoryStorage())
  await storage.put('one', Buffer.from('one'), never)
  await storage.put('two', Buffer.from('two'), never)
  const before = await storage.snapshot()
  await storage.swap('one', 'two')
  assert.equal((await storage.read('one')).toString(), 'two')
  await storage.flipBit('one', -1)
  assert.equal((await storage.read('one')).toString(), 'twn')
  await storage.truncate('one', 1)
  await storage.lose('two')
  await storage.write('three', Buffer.from('three'))
  assert.deepEqual(await namesOf(storage), ['one', 'three'])
  await storage.rollBack(before)
  assert.deepEqual(await storage.snapshot(), before)
})
