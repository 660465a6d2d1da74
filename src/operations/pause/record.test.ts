import assert from 'node:assert/strict'
import { test } from 'node:test'
import { journalsOf, saveJournal, type RestoreJournal } from '../restore/journal.ts'
import { continueUnfinished } from '../restore/run.ts'
import { BOTH, backUp, stageFor, type Stage } from '../testing/paused-stage.ts'
import { restoreIn } from '../testing/restore-in.ts'
import { planResume } from './resume.ts'
import { adoptRecord, findRecord } from './record.ts'
import { plannedJournal } from '../testing/planned-journal.ts'

/** As an earlier version left its journal when it died, with one workload stopped. */
async function leftBy(stage: Stage, journal: Partial<RestoreJournal>): Promise<void> {
  const context = stage.testHost.context()
  const left: RestoreJournal = { ...plannedJournal, stage: 'staged', paused: ['web'], ...journal }
  await saveJournal(left, context.records, context.clock)
  stage.up.delete('web')
}

test('what an earlier version noted in its journal is taken over once, and a plan changes nothing', async (t) => {
  const stage = await stageFor(t)
  await leftBy(stage, { stage: 'abandoned', mode: 'in-place' })
  const context = stage.testHost.context()
  const found = await findRecord(stage.app, context)
  assert.deepEqual([found?.live, found?.workloads], ['unsure', ['web']])
  await assert.rejects(planResume(stage.app, [], context), { kind: 'refused', message: /mixture/ })
  assert.equal((await journalsOf('portal', context.records))[0]?.paused?.length, 1, 'a plan wrote')
  await adoptRecord(stage.app, context)
  assert.equal((await journalsOf('portal', context.records))[0]?.paused, undefined)
  await restoreIn(stage.testHost, stage.app, { restoreId: 'abcdef02', point: '1'.padStart(32, '0') })
  assert.deepEqual(stage.up, BOTH)
  assert.equal(await findRecord(stage.app, context), undefined)
})

test('a restore that an earlier version left is continued, and starts what that had stopped', async (t) => {
  const stage = await stageFor(t)
  await leftBy(stage, { stage: 'staged' })
  stage.place.side = { id: 'abcdef01', text: 'captured', whole: true }
  await continueUnfinished(stage.app, undefined, stage.testHost.context())
  assert.deepEqual([stage.up, stage.place.live], [BOTH, 'captured'])
})

test('what was stopped for data that was not touched is started by a backup', async (t) => {
  const stage = await stageFor(t)
  await leftBy(stage, { stage: 'staged' })
  await backUp(stage)
  assert.deepEqual(stage.up, BOTH)
})
