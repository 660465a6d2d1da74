import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../system/clock.ts'
import { never } from './bodies.ts'
import { storageContract } from './contract.ts'
import { memoryStorage } from './memory.ts'

storageContract('memory', async () => ({ storage: memoryStorage() }), { boundaries: [65_536] })

test('blobs of memory storage have the time of the clock that was given', async () => {
  const then = new Date('2020-02-02T02:02:02Z')
  const storage = memoryStorage({ clock: { ...systemClock, now: () => then } })
  assert.deepEqual((await storage.put('one', Buffer.from('x'), never)).modified, then)
  assert.deepEqual(await storage.now(never), then)
})
