import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blobNames, newTestHost } from '../../operations/testing/test-host.ts'

test('a lease that is tried leaves nothing, and takes away what killed tries have left', async (t) => {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const repository = await testHost.repository()
  const [storage] = testHost.storages
  assert.ok(storage !== undefined)
  const { signal } = new AbortController()
  await storage.put('leases/check-0dead/0000000001.json', Buffer.from('{}'), signal)
  await repository.tryLease('1', testHost.context())
  // It may be of a check that is running.
  assert.deepEqual(await blobNames(storage, 'leases/'), ['leases/check-0dead/0000000001.json'])
  testHost.clock.passHours(25)
  await repository.tryLease('2', testHost.context())
  assert.deepEqual(await blobNames(storage, 'leases/'), [])
})
