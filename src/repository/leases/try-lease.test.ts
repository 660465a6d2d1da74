import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blobNames, newWorkshop } from '../../operations/testing/workshop.ts'

test('a lease that is tried leaves nothing, and takes away what killed tries have left', async (t) => {
  const workshop = await newWorkshop()
  t.after(() => workshop.close())
  const repository = await workshop.repository()
  const [storage] = workshop.storages
  assert.ok(storage !== undefined)
  const { signal } = new AbortController()
  await storage.put('leases/check-0dead/0000000001.json', Buffer.from('{}'), signal)
  await repository.tryLease('1', workshop.context())
  // It may be of a check that is running.
  assert.deepEqual(await blobNames(storage, 'leases/'), ['leases/check-0dead/0000000001.json'])
  workshop.clock.passHours(25)
  await repository.tryLease('2', workshop.context())
  assert.deepEqual(await blobNames(storage, 'leases/'), [])
})
