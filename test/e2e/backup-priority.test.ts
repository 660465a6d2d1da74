import assert from 'node:assert/strict'
import { getPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { Started } from './holdfast.ts'
import { startReadyLab } from './lab.ts'

const lab = await startReadyLab()
const own = getPriority()

/** The lowest priority (highest number) that a process had until it ended. */
async function lowestOf({ pid, ended }: Started): Promise<number> {
  const run = { isOver: false, code: 0 }
  const over = ended.then(({ code }) => Object.assign(run, { isOver: true, code }))
  let lowest = own
  while (!run.isOver) {
    try {
      lowest = Math.max(lowest, getPriority(pid))
    } catch {
      break // It has just ended.
    }
    await sleep(10)
  }
  await over
  assert.equal(run.code, 0)
  return lowest
}

test('a backup lets other programs go first, unless it is told not to; a drill waits for nobody', async (t) => {
  if (own >= 10) return t.skip('everything here goes last already')
  assert.equal(await lowestOf(lab.start('backup')), 10)
  await lab.edit(({ apps }) => Object.assign(apps['portal']!, { priority: 'normal' }))
  assert.equal(await lowestOf(lab.start('backup')), own)
  await lab.edit(({ apps }) => Object.assign(apps['portal']!, { priority: 'background' }))
  assert.equal(await lowestOf(lab.start('drill')), own)
})
