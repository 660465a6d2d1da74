import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../core/failure.ts'
import { asOperation } from '../as-operation.ts'
import { claimJournal } from '../guard/claim-journal.ts'
import { guardApp } from '../guard/guard.ts'
import { enterStage } from '../restore/journal.ts'
import { stageFor, type Stage } from '../testing/paused-stage.ts'
import { withAppLock } from './app-lock.ts'
import { noteHeld, release } from './hold.ts'
import { loadRecord } from './record.ts'
import { plannedJournal } from '../testing/planned-journal.ts'

const MANY = 6
const claimOf = (owner: string): unknown => ({ format: 1, app: 'portal', owner })

/** Each as an operation of its own of one process, which wins or is told that another did. All wait for the last to know. */
async function startMany({ app, testHost }: Stage): Promise<number> {
  const context = testHost.context()
  const known = Promise.withResolvers<void>()
  let [won, answered] = [0, 0]
  const start = (id: string): Promise<void> =>
    asOperation(app, context, async (own) => {
      try {
        await noteHeld(app, { operation: 'restore', id }, own)
        won += 1
      } catch (error) {
        assert.ok(isFailure(error, 'locked'), String(error))
        assert.match(error.message, /restore \w+ of app portal runs now, and paused the app/)
      }
      if ((answered += 1) === MANY) known.resolve()
      await known.promise
      await release(app, id, own)
    })
  await Promise.all(Array.from({ length: MANY }, (_, index) => start(`abcdef0${index}`)))
  return won
}

test('of many operations that begin at once exactly one holds the app', async (t) => {
  const stage = await stageFor(t)
  for (let round = 0; round < 5; round += 1) assert.equal(await startMany(stage), 1)
  const context = stage.testHost.context()
  assert.equal(await loadRecord('portal', context), undefined)
  assert.deepEqual(
    (await context.records.list()).filter((name) => name.startsWith('lock-')),
    [],
  )
})

test('nobody is within a lock beside another, and the lock of a dead process blocks nobody', async (t) => {
  const { testHost } = await stageFor(t)
  const context = testHost.context()
  const [boot, namespace, pid] = JSON.parse(await context.processes.self()) as string[]
  const dead = JSON.stringify([boot, namespace, pid, '1'])
  await context.records.save('lock-portal-00000000', claimOf(dead))
  let inside = 0
  const enter = (): Promise<void> => {
    const own = { ...context, processes: context.processes.begin() }
    return withAppLock('portal', own, async () => {
      assert.equal((inside += 1), 1)
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
    })
  }
  await Promise.all(Array.from({ length: MANY }, enter))
  assert.deepEqual(
    (await context.records.list()).filter((name) => name.startsWith('lock-')),
    [],
  )
})

test('an operation that was begun and is not over keeps the lock', async (t) => {
  const { testHost } = await stageFor(t)
  const context = testHost.context()
  const other = context.processes.begin()
  await context.records.save('lock-portal-00000000', claimOf(await other.self()))
  const ended = new AbortController()
  setTimeout(() => ended.abort(), 200)
  const own = { ...context, processes: context.processes.begin(), signal: ended.signal }
  await assert.rejects(
    withAppLock('portal', own, () => Promise.resolve()),
    { kind: 'cancelled' },
  )
  other.end()
  await withAppLock('portal', { ...own, signal: context.signal }, () => Promise.resolve())
})

test('of two who end the same unfinished restore one is told that the other does', async (t) => {
  const { testHost } = await stageFor(t)
  const context = testHost.context()
  const journal = await enterStage(plannedJournal, 'staged', context.records, context.clock)
  const claims = await Promise.allSettled(
    [1, 2, 3].map(() => claimJournal(journal, { ...context, processes: context.processes.begin() })),
  )
  assert.deepEqual(claims.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected'])
})

test('two guardians at once bring an app back once', async (t) => {
  const stage = await stageFor(t)
  const context = stage.testHost.context()
  await noteHeld(stage.app, { operation: 'backup', id: 'b1' }, { ...context, processes: context.processes.begin() })
  const record = await loadRecord('portal', context)
  const died = { ...record, owner: JSON.stringify(['boot', 'namespace', '1', '1']) }
  await context.records.save('paused-portal', died)
  stage.up.clear()
  await Promise.all([1, 2, 3].map(() => guardApp(stage.app, context)))
  assert.deepEqual(
    stage.log.filter((act) => act.startsWith('resume')),
    ['resume worker', 'resume web'],
  )
})
