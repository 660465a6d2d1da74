import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BoundedTasks } from './bounded-tasks.ts'

test('as many tasks run at once as are allowed, and all of them end', async () => {
  const tasks = new BoundedTasks()
  let [running, most, ended] = [0, 0, 0]
  for (let n = 0; n < 20; n += 1) {
    await tasks.start(3, async () => {
      most = Math.max(most, (running += 1))
      await sleep(1)
      running -= 1
      ended += 1
    })
  }
  await tasks.settled()
  tasks.throwFailure()
  assert.deepEqual([most, ended], [3, 20])
})

test('the first failure stops the next task, and is thrown again at the end', async () => {
  const tasks = new BoundedTasks()
  const reason = new Error('no space')
  await tasks.start(2, () => sleep(1).then(() => Promise.reject(reason)))
  await tasks.start(2, () => sleep(2).then(() => Promise.reject(new Error('later'))))
  await tasks.settled()
  await assert.rejects(
    tasks.start(2, () => assert.fail('it was started')),
    (error) => error === reason,
  )
  assert.throws(
    () => tasks.throwFailure(),
    (error) => error === reason,
  )
})
