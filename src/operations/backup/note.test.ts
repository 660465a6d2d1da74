import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../core/failure.ts'
import { planPruneOf } from '../prune/execute.ts'
import { holdPoint } from '../keep/keep.ts'
import { listPoints } from '../points/list-points.ts'
import { showPoint } from '../points/show-point.ts'
import { planRemove } from '../remove/plan.ts'
import { drillIn } from '../testing/drill-in.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, textComponent } from '../testing/test-host.ts'
import { executeVerify } from '../verify/execute.ts'
import { parseNote } from './note.ts'
import { planBackup } from './plan.ts'
import { runBackup } from './run.ts'

test('a point is labelled and held by its commit, until it is released', async (t) => {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const app = testHost.app([textComponent(new TextPlace('database', 'rows'))])
  const context = testHost.context()
  const label = { note: 'before CA swap', held: true } as const
  const { point, ...report } = await runBackup(app, { ...(await planBackup(app, context)), ...label }, context)
  assert.deepEqual([report.note, report.held], ['before CA swap', true])
  for (let index = 0; index < 4; index += 1) {
    testHost.clock.passHours(1)
    await runBackup(app, await planBackup(app, context), context)
  }
  const [summary, other] = (await listPoints([app], context)).points
  assert.deepEqual([summary?.point, summary?.note, summary?.held], [point, 'before CA swap', true])
  assert.deepEqual([other?.note, other?.held], [undefined, false])
  const shown = await showPoint([app], point, undefined, context)
  assert.deepEqual([shown.summary.note, shown.summary.held, shown.proofs], ['before CA swap', true, []])
  const removals = async () => (await planPruneOf(app, await testHost.repository(), context)).removals
  assert.ok(!(await removals()).includes(point))
  assert.ok((await removals()).length > 0)
  await holdPoint([app], point, 'release', context)
  assert.ok((await removals()).includes(point))
  await holdPoint([app], point, 'hold', context)
  assert.ok(!(await removals()).includes(point))
})

test('whatever is done with a point names its note', async (t) => {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const app = testHost.app([textComponent(new TextPlace('database', 'rows'))])
  const context = testHost.context()
  const note = 'before CA swap'
  await runBackup(app, { ...(await planBackup(app, context)), note }, context)
  await runBackup(app, await planBackup(app, context), context)
  const repository = await testHost.repository()
  const [labelled, plain] = (await repository.catalog(context)).points
  assert.ok(labelled !== undefined && plain !== undefined)
  const told = async (about: typeof labelled) => [
    (await executeVerify(repository, about, { sample: 1, drivers: [] }, context)).note,
    (await drillIn(app, context, { at: about.point })).note,
    (await planPruneOf(app, repository, context)).verdicts.find(({ point }) => point === about.point)?.note,
    (await planRemove([app], { id: about.point, now: false, accepted: ['last-good', 'last-drilled'] }, context)).note,
  ]
  assert.deepEqual(await told(plain), [undefined, undefined, undefined, undefined])
  assert.deepEqual(await told(labelled), [note, note, note, note])
})

test('a note is one short line that can be printed', () => {
  for (const good of ['before CA swap', 'vor dem Schlüsseltausch, #42', 'x'.repeat(200)])
    assert.equal(parseNote(good), good)
  assert.equal(parseNote('  around  '), 'around')
  for (const bad of ['', '  ', 'two\nlines', 'red \u001B[31m', 'x'.repeat(201), '\u202Ereversed', '\uD800'])
    assert.throws(
      () => parseNote(bad),
      (error) => isFailure(error, 'usage'),
    )
})
