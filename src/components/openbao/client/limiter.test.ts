import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Limiter } from './limiter.ts'

async function mostAtOnce(limiter: Limiter): Promise<number> {
  let [running, most] = [0, 0]
  const one = async (): Promise<void> => {
    running += 1
    most = Math.max(most, running)
    await sleep(1)
    running -= 1
  }
  await Promise.all(Array.from({ length: 40 }, () => limiter.run(one)))
  return most
}

test('at most as many at once as allowed, half as many after a complaint, and slowly more again', async () => {
  const limiter = new Limiter(8)
  assert.equal(await mostAtOnce(limiter), 8)
  limiter.slower()
  assert.equal(await mostAtOnce(limiter), 4)
  for (let n = 0; n < 10; n += 1) limiter.slower()
  assert.equal(await mostAtOnce(limiter), 1)
  for (let n = 0; n < 50; n += 1) limiter.calm()
  assert.equal(await mostAtOnce(limiter), 2)
})

test('a failure gives its place back', async () => {
  const limiter = new Limiter(1)
  await assert.rejects(limiter.run(() => Promise.reject(new Error('no'))))
  assert.equal(await limiter.run(() => Promise.resolve(1)), 1)
})
