import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { OperationContext } from '../app.ts'
import { noteHeld } from '../pause/hold.ts'
import { stopWorkloads } from '../pause/workloads.ts'
import { quickClock } from '../testing/quick-clock.ts'
import { BOTH, stageFor, type Stage } from '../testing/paused-stage.ts'
import { guardApp } from './guard.ts'
import { beatOn } from './heartbeat.ts'

const nameOf = (owner: string): string => `beat-portal-${Buffer.from(owner).toString('base64url')}`

/** The app as a process of another container left it, or keeps it: stopped for a backup. */
async function heldElsewhere(t: TestContext): Promise<{ readonly stage: Stage; readonly theirs: OperationContext }> {
  const stage = await stageFor(t)
  const context = stage.testHost.context()
  const theirs = {
    ...context,
    processes: { ...context.processes, self: () => Promise.resolve('["boot","pid:[1]","7","1","1","pod"]') },
  }
  await stopWorkloads(stage.app, await noteHeld(stage.app, { operation: 'backup', id: 'p' }, theirs), theirs)
  assert.deepEqual(stage.up, new Set())
  return { stage, theirs }
}

test('who cannot be seen and beats is left alone, and one without a beat for 90 seconds is dead', async (t) => {
  const { stage, theirs } = await heldElsewhere(t)
  const context = stage.testHost.context()
  let beats = 0
  const name = nameOf(await theirs.processes.self())
  const alive = quickClock(context.clock, () => theirs.records.save(name, { format: 1, beat: (beats += 1) }))
  assert.equal((await guardApp(stage.app, { ...context, clock: alive })).outcome, 'running')
  assert.deepEqual(stage.up, new Set())
  assert.equal((await guardApp(stage.app, { ...context, clock: quickClock(context.clock) })).outcome, 'brought back')
  assert.deepEqual(stage.up, BOTH)
})

test('an operation beats while it runs, and leaves nothing', async (t) => {
  const stage = await stageFor(t)
  const ended = new AbortController()
  const seen: unknown[] = []
  const context = stage.testHost.context()
  const name = nameOf(await context.processes.self())
  const clock = quickClock(context.clock, async () => {
    seen.push(await context.records.load(name))
    if (seen.length === 3) ended.abort()
  })
  await beatOn('portal', { ...context, signal: ended.signal }, clock)
  const beats = seen.map((value) => (value as { beat?: number } | undefined)?.beat)
  assert.deepEqual([beats, await context.records.load(name)], [[undefined, 1, 2], undefined])
})

test('a beat that cannot be written is told, and the next one is', async (t) => {
  const stage = await stageFor(t)
  const ended = new AbortController()
  const context = stage.testHost.context()
  const saved: unknown[] = []
  let tries = 0
  const save = (_name: string, value: unknown): Promise<void> => {
    tries += 1
    if (tries === 3) ended.abort()
    return tries === 1 ? Promise.reject(new Error('no space')) : Promise.resolve(void saved.push(value))
  }
  const records = { ...context.records, save, remove: () => Promise.resolve() }
  await beatOn('portal', { ...context, records, signal: ended.signal }, quickClock(context.clock))
  assert.deepEqual(saved, [
    { format: 1, beat: 2 },
    { format: 1, beat: 3 },
  ])
})
