import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../core/failure.ts'
import type { Effects } from '../../core/ports.ts'
import { memoryStorage } from '../testing/memory.ts'
import { collect } from '../streams.ts'
import { namesOf, never, streamed } from '../testing/bodies.ts'
import { assertFails, storageContract } from '../testing/contract.ts'
import { FaultyStorage } from '../testing/faulty.ts'
import { readOnly } from './read-only.ts'
import { retrying } from './retrying.ts'
import { withEffects } from './with-effects.ts'

const directly: Effects = { run: (_name, act) => act() }
const lost = new Failure('unreachable', 'the connection broke')
const full = new Failure('refused', 'no space left')
const soon = { firstPause: 1 }
const small = Buffer.from('small')

storageContract('retrying, with effects', async () => ({
  storage: retrying(withEffects(memoryStorage(), directly), soon),
}))

function faulty(): { storage: FaultyStorage; again: ReturnType<typeof retrying> } {
  const storage = new FaultyStorage(memoryStorage())
  return { storage, again: retrying(storage, { ...soon, retries: 2 }) }
}

test('calls that could not reach the storage are made again', async () => {
  const { storage, again } = faulty()
  storage.fail('put', { type: 'instead', error: lost }).fail('put', { type: 'instead', error: lost })
  for (const method of ['get', 'stat', 'list', 'remove', 'now'] as const)
    storage.fail(method, { type: 'instead', error: lost })
  await again.put('blob', small, never)
  assert.deepEqual(await collect(await again.get('blob', never)), small)
  assert.equal((await again.stat('blob', never)).size, 5)
  assert.deepEqual(await namesOf(again), ['blob'])
  await again.now(never)
  await again.remove('blob', never)
  assert.deepEqual(await namesOf(storage), [])
  storage.assertAllFired()
})

test('after the last repetition the failure comes through, and other failures at once', async () => {
  const { storage, again } = faulty()
  for (let count = 0; count < 3; count += 1) storage.fail('stat', { type: 'instead', error: lost })
  await assertFails(again.stat('blob', never), 'unreachable')
  storage.fail('stat', { type: 'instead', error: full })
  await assertFails(again.stat('blob', never), 'refused')
  await assertFails(again.stat('blob', never), 'notFound')
  storage.assertAllFired()
})

test('a storage that has answered once is waited for longer, and somebody is told', async () => {
  const said: string[] = []
  const storage = new FaultyStorage(memoryStorage())
  const again = retrying(storage, { ...soon, retries: 2, laterRetries: 6, say: (message) => void said.push(message) })
  for (let count = 0; count < 3; count += 1) storage.fail('stat', { type: 'instead', error: lost })
  await assertFails(again.stat('blob', never), 'unreachable')
  await again.put('blob', small, never)
  for (let count = 0; count < 6; count += 1) storage.fail('stat', { type: 'instead', error: lost })
  assert.equal((await again.stat('blob', never)).size, 5)
  assert.deepEqual(said, ['the connection broke; it is tried again for some minutes'])
  storage.assertAllFired()
})

test('a put whose acknowledgement was lost succeeds, and does not when the blob is of another', async () => {
  const { storage, again } = faulty()
  storage.fail('put', { type: 'after', error: lost })
  assert.equal((await again.put('mine', small, never)).size, 5)
  storage.fail('put', { type: 'instead', error: lost })
  await storage.put('theirs', small, never).catch(() => undefined)
  await storage.put('theirs', Buffer.from('other'), never)
  storage.fail('put', { type: 'instead', error: lost })
  await assertFails(again.put('theirs', small, never), 'refused')
  assert.equal((await collect(await storage.get('theirs', never))).toString(), 'other')
  storage.assertAllFired()
})

test('a put that is refused at once is not compared: another writer may have the same bytes', async () => {
  const { storage, again } = faulty()
  await storage.put('blob', small, never)
  await assertFails(again.put('blob', small, never), 'refused')
})

test('a put that is refused at its repetition for want of space is no success', async () => {
  const { storage, again } = faulty()
  storage.fail('put', { type: 'instead', error: lost }).fail('put', { type: 'instead', error: full })
  assert.equal(await assertFails(again.put('blob', small, never), 'refused'), full)
  storage.assertAllFired()
})

test('a stream is put once only', async () => {
  const { storage, again } = faulty()
  storage.fail('put', { type: 'instead', error: lost })
  await assertFails(again.put('blob', streamed(small), never), 'unreachable')
  assert.deepEqual(await namesOf(storage), [])
})

test('a listing that breaks goes on after the last name', async () => {
  const { storage, again } = faulty()
  for (const name of ['a', 'b', 'c']) await storage.put(name, small, never)
  storage.fail('list', { type: 'after', error: lost }).fail('list', { type: 'instead', error: lost })
  assert.deepEqual(await namesOf(again), ['a', 'b', 'c'])
  storage.assertAllFired()
})

test('waiting for a repetition ends with the cancellation', async () => {
  const storage = new FaultyStorage(memoryStorage()).fail('stat', { type: 'instead', error: lost })
  const signal = AbortSignal.timeout(50)
  await assertFails(retrying(storage, { firstPause: 60_000 }).stat('blob', signal), 'cancelled')
})

test('read-only storage refuses every change and reads', async () => {
  const inner = memoryStorage()
  await inner.put('blob', small, never)
  const storage = readOnly(inner)
  await assertFails(storage.put('other', small, never), 'refused')
  await assertFails(storage.remove('blob', never), 'refused')
  await assertFails(storage.tidy?.(new Date(), never) ?? Promise.resolve(), 'refused')
  assert.deepEqual(await collect(await storage.get('blob', never)), small)
})

test('every change is an effect under its name, and no reading is', async () => {
  const names: string[] = []
  const effects: Effects = { run: (name, act) => (names.push(name), act()) }
  const storage = withEffects(memoryStorage(), effects)
  await storage.put('data/1', streamed(small), never)
  await collect(await storage.get('data/1', never))
  await namesOf(storage)
  await storage.stat('data/1', never)
  await storage.remove('data/1', never)
  await storage.tidy?.(new Date(), never)
  assert.deepEqual(names, ['put data/1', 'remove data/1', 'tidy'])
})

test('a put is not done before its effect runs', async () => {
  const inner = memoryStorage()
  const dying: Effects = { run: () => Promise.reject(new Error('the process died before')) }
  await assert.rejects(withEffects(inner, dying).put('blob', small, never))
  assert.deepEqual(await namesOf(inner), [])
})
