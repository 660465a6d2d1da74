import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import { tampering, type TamperedStorage } from '../../storage/testing/tampering.ts'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { restoreIn } from '../testing/restore-in.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, pair, textComponent, type TestHost } from '../testing/test-host.ts'
import { journalsOf, unfinishedJournal, type RestoreJournal, type RestoreStage } from './journal.ts'
import { restoreOrder, type RestoreOrder } from './order.ts'
import { orderOf, planRestore } from './plan.ts'
import type { RestoreReport } from './report.ts'
import { abandonRestore, resumeRestore } from './resume.ts'
import { abandonUnfinished, continueUnfinished, runRestore } from './run.ts'

const POINT = '1'.padStart(32, '0')
const RESTORE_ID = 'abcdef01'
const broken = new Failure('toolFailed', 'it broke')

interface Stage {
  readonly testHost: TestHost
  readonly storage: TamperedStorage
  readonly app: App
  readonly database: TextPlace
  readonly files: TextPlace
  /** What the targets did, in order. */
  readonly log: readonly string[]
}

async function stageFor(t: TestContext): Promise<Stage> {
  const log: string[] = []
  const storage = tampering(memoryStorage())
  const testHost = await newTestHost({ storages: [storage] })
  t.after(() => testHost.close())
  const database = new TextPlace('database', 'captured rows', log)
  const files = new TextPlace('files', 'captured key', log)
  const app = testHost.app([database, files].map(textComponent))
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  database.live = 'live rows'
  files.live = 'live key'
  return { testHost, storage, app, database, files, log }
}

function restore({ testHost, app }: Stage, change: Partial<RestoreOrder> = {}): Promise<RestoreReport> {
  return restoreIn(testHost, app, { restoreId: RESTORE_ID, point: POINT, ...change })
}

async function stageOf({ testHost, app }: Stage): Promise<RestoreStage | undefined> {
  return (await journalsOf(app.name, testHost.context().records)).at(-1)?.stage
}

function live({ database, files }: Stage): (string | undefined)[] {
  return [database.live, files.live]
}

async function pointCount({ testHost }: Stage): Promise<number> {
  return (await (await testHost.repository()).catalog(testHost.context())).points.length
}

test('the folder is swapped before the database, all writers are locked out before the first swap, and let in after the last', async (t) => {
  const stage = await stageFor(t)
  const report = await restore(stage)
  assert.equal(report.outcome, 'done')
  assert.deepEqual(live(stage), ['captured rows', 'captured key'])
  const acts = stage.log.filter((act) => !act.includes('load'))
  assert.deepEqual(acts, [
    'files fence',
    'database fence',
    'files swap',
    'database swap',
    'files reopen',
    'database reopen',
  ])
  assert.equal(await stageOf(stage), 'done')
})

const stoppedAt: Readonly<Record<string, readonly [place: 'database' | 'files', act: string]>> = {
  'the load of the database': ['database', 'load'],
  'the load of the folder': ['files', 'load half'],
  'the fence': ['database', 'fence'],
}

for (const [name, [place, act]] of Object.entries(stoppedAt)) {
  test(`a restore that fails in ${name} stops, takes back what it did, and says that the live data is as before`, async (t) => {
    const stage = await stageFor(t)
    stage[place].faults.set(act, broken)
    const report = await restore(stage)
    assert.equal(report.outcome, 'stopped')
    assert.equal(report.failure?.message, broken.message)
    assert.deepEqual(live(stage), ['live rows', 'live key'])
    for (const one of [stage.database, stage.files])
      assert.deepEqual([one.open, one.side, one.previous], [true, undefined, undefined])
    assert.equal(await stageOf(stage), 'abandoned')
  })
}

test('a swap whose answer was lost has happened, and the restore goes on', async (t) => {
  const stage = await stageFor(t)
  stage.files.faults.set('swap', broken)
  stage.database.faults.set('swap', broken)
  assert.equal((await restore(stage)).outcome, 'done')
  assert.deepEqual(live(stage), ['captured rows', 'captured key'])
})

test('a database that cannot be swapped takes the swapped folder back: database first, then files, then what is beside', async (t) => {
  const stage = await stageFor(t)
  const open = stage.database
  // Somebody lets writers in behind the fence; the swap must refuse.
  stage.files.faults.set('swap', broken)
  const fence = open.change.bind(open)
  open.change = (act, context, apply) => fence(act, context, act === 'fence' ? () => {} : apply)
  const report = await restore(stage)
  assert.equal(report.outcome, 'stopped')
  assert.deepEqual(live(stage), ['live rows', 'live key'])
  const back = stage.log.slice(stage.log.indexOf('files swap') + 1)
  assert.deepEqual(back, [
    'database reopen',
    'files undo',
    'files reopen',
    'files forget',
    'files discard',
    'database discard',
  ])
})

test('a restore that cannot let writers in is live and says how to go on', async (t) => {
  const stage = await stageFor(t)
  stage.database.faults.set('reopen', broken)
  await assert.rejects(
    restore(stage),
    (error) => error instanceof Failure && error.hint?.includes('--continue') === true,
  )
  assert.deepEqual(live(stage), ['captured rows', 'captured key'])
  assert.equal(await stageOf(stage), 'reopening')
  stage.database.faults.clear()
  const context = stage.testHost.context()
  const journal = await unfinishedJournal('portal', context.records)
  assert.ok(journal !== undefined)
  const reader = await (await stage.testHost.repository()).open(POINT, [pair], context)
  assert.equal((await resumeRestore(stage.app, reader, journal, context)).outcome, 'done')
  assert.deepEqual(live(stage), ['captured rows', 'captured key'])
  assert.ok(stage.database.open)
})

test('a point with a damaged byte, even the last one, causes nothing at all', async (t) => {
  const stage = await stageFor(t)
  await stage.storage.flipBit(`data/${POINT}/000002`, -1)
  await assert.rejects(restore(stage, { safetyPoint: true }), { kind: 'corrupt' })
  assert.deepEqual(stage.log, [])
  assert.equal(await stageOf(stage), undefined)
  assert.equal(await pointCount(stage), 1)
})

for (const late of ['reads', 'does not read'] as const) {
  test(`a damaged last byte of what is authenticated by its load leaves the live data alone, if the load ${late}`, async (t) => {
    const stage = await stageFor(t)
    stage.database.late = late
    await stage.storage.flipBit(`data/${POINT}/000001`, -1)
    const report = await restore(stage)
    assert.deepEqual([report.outcome, report.failure?.kind], ['stopped', 'corrupt'])
    assert.match(report.failure?.message ?? '', /artifact 1 of restore point/)
    assert.deepEqual(live(stage), ['live rows', 'live key'])
    for (const one of [stage.database, stage.files]) assert.deepEqual([one.open, one.side], [true, undefined])
    assert.ok(!stage.log.some((act) => /fence|swap/.test(act)))
    assert.equal(await stageOf(stage), 'abandoned')
  })
}

test('a damaged byte of another component is found before what is authenticated by its load is loaded', async (t) => {
  const stage = await stageFor(t)
  stage.database.late = 'reads'
  await stage.storage.flipBit(`data/${POINT}/000002`, -1)
  await assert.rejects(restore(stage), { kind: 'corrupt' })
  assert.deepEqual(stage.log, [])
})

test('nothing of what is loaded over live data is left to its load to authenticate', async (t) => {
  const stage = await stageFor(t)
  stage.database.late = 'reads'
  await stage.storage.flipBit(`data/${POINT}/000001`, -1)
  await assert.rejects(restore(stage, { mode: 'in-place' }), { kind: 'corrupt' })
  assert.deepEqual(stage.log, [])
})

test('a plan with an error is refused', async (t) => {
  const stage = await stageFor(t)
  const findings: Finding[] = [{ level: 'error', subject: 'disk', message: 'too small', hint: 'Make room.' }]
  const plan = await planRestore(stage.app, {}, stage.testHost.context())
  const components = [{ name: 'database', kind: 'text', target: 'x', bytes: 1, findings }]
  assert.throws(() => orderOf({ ...plan, components }), { kind: 'refused', hint: 'Make room.' })
})

test('an order survives being stored, and holds nothing but what running needs', async (t) => {
  const stage = await stageFor(t)
  const plan = await planRestore(stage.app, { safetyPoint: false }, stage.testHost.context())
  const stored: unknown = JSON.parse(JSON.stringify(orderOf(plan)))
  const order = restoreOrder.strict().parse(stored)
  assert.equal((await runRestore(stage.app, order, stage.testHost.context())).report.outcome, 'done')
  assert.deepEqual(live(stage), ['captured rows', 'captured key'])
})

test('neither a plan nor an order begins over an unfinished restore, but one to scratch may be planned', async (t) => {
  const stage = await stageFor(t)
  const context = stage.testHost.context()
  const order = orderOf(await planRestore(stage.app, { safetyPoint: false }, context))
  assert.equal((await restore(stage, { mode: 'stage' })).outcome, 'done')
  const refused = { kind: 'refused', message: /restore abcdef01 of app portal is unfinished/, hint: /--continue/ }
  await assert.rejects(planRestore(stage.app, {}, context), refused)
  await assert.rejects(runRestore(stage.app, order, context), refused)
  await assert.rejects(planRestore(stage.app, { mode: 'scratch' }, context), { kind: 'unsupported' })
  assert.equal((await continueUnfinished(stage.app, undefined, context)).outcome, 'done')
  await assert.rejects(abandonUnfinished(stage.app, context), { kind: 'notFound' })
})

test('a staged restore leaves the live data alone until it is resumed', async (t) => {
  const stage = await stageFor(t)
  assert.equal((await restore(stage, { mode: 'stage' })).outcome, 'done')
  assert.deepEqual(live(stage), ['live rows', 'live key'])
  assert.equal(await stageOf(stage), 'staged')
  const context = stage.testHost.context()
  const journal = await unfinishedJournal('portal', context.records)
  assert.ok(journal !== undefined)
  await abandonRestore(stage.app, journal, context)
  assert.equal(stage.database.side, undefined)
  assert.equal(await stageOf(stage), 'abandoned')
})

test('a restore that an earlier version left beside is continued as a staged one', async (t) => {
  const stage = await stageFor(t)
  await restore(stage, { mode: 'stage' })
  const context = stage.testHost.context()
  const [name = ''] = (await context.records.list()).filter((one) => one.startsWith('restore-'))
  await context.records.save(name, { ...(await unfinishedJournal('portal', context.records)), stage: 'beside' })
  assert.equal((await continueUnfinished(stage.app, undefined, context)).outcome, 'done')
  assert.deepEqual(live(stage), ['captured rows', 'captured key'])
})

test('the safety point holds what was live', async (t) => {
  const stage = await stageFor(t)
  const report = await restore(stage, { safetyPoint: true })
  assert.ok(report.safetyPoint !== null)
  const reader = await (await stage.testHost.repository()).open(report.safetyPoint, [pair], stage.testHost.context())
  assert.deepEqual(
    reader.manifest.components.map(({ details }) => details),
    [{ text: 'live rows' }, { text: 'live key' }],
  )
})

test('what is not there needs no safety point', async (t) => {
  const stage = await stageFor(t)
  stage.database.live = undefined
  stage.files.live = undefined
  const report = await restore(stage, { safetyPoint: true })
  assert.equal(report.safetyPoint, null)
  assert.deepEqual(live(stage), ['captured rows', 'captured key'])
  assert.equal(await pointCount(stage), 1)
})

test('what is there is saved although another component is gone', async (t) => {
  const stage = await stageFor(t)
  stage.database.live = undefined
  const { safetyPoint } = await restore(stage, { safetyPoint: true })
  assert.ok(safetyPoint !== null)
  const reader = await (await stage.testHost.repository()).open(safetyPoint, [pair], stage.testHost.context())
  assert.deepEqual(
    reader.manifest.components.map(({ details }) => details),
    [{ text: 'live key' }],
  )
})

/** A program, a password file: it says nothing of the data, which may well be there. */
const lacking = new Failure('notFound', 'no pg_dump and pg_restore found')
for (const [name, isGone] of [
  ['something that a capture needs', false],
  ['something that a capture needs, beside a component that is gone,', true],
] as const) {
  test(`${name} is not found: nothing is taken for saved, and no point is left`, async (t) => {
    const stage = await stageFor(t)
    if (isGone) stage.database.live = undefined
    else stage.database.faults.set('capture', lacking)
    stage.files.faults.set('capture', lacking)
    const before = live(stage)
    await assert.rejects(restore(stage, { safetyPoint: true }), {
      kind: 'notFound',
      message: /no safety point before the restore: .*no pg_dump/,
      hint: /--no-safety-point/,
    })
    assert.deepEqual(stage.log, [])
    assert.deepEqual(live(stage), before)
    assert.equal(await stageOf(stage), undefined)
    assert.equal(await pointCount(stage), 1)
  })
}

test('a component that cannot be saved stops the restore before anything is touched', async (t) => {
  const stage = await stageFor(t)
  stage.files.faults.set('capture', broken)
  await assert.rejects(restore(stage, { safetyPoint: true }), { kind: 'toolFailed', message: /no safety point/ })
  assert.deepEqual(stage.log, [])
  assert.equal(await stageOf(stage), undefined)
})

test('a restore that is abandoned once writers may have been in it keeps what they wrote', async (t) => {
  const stage = await stageFor(t)
  stage.database.faults.set('reopen', broken)
  await assert.rejects(restore(stage))
  stage.database.faults.clear()
  stage.database.live = 'restored rows and what a writer added'
  const context = stage.testHost.context()
  const journal = await unfinishedJournal('portal', context.records)
  assert.ok(journal !== undefined)
  await abandonRestore(stage.app, journal, context)
  assert.deepEqual(live(stage), ['live rows', 'live key'])
  assert.equal(stage.database.undone?.text, 'restored rows and what a writer added')
})

test('a restore that died while reopening does not lock writers out again', async (t) => {
  const stage = await stageFor(t)
  stage.database.faults.set('reopen', broken)
  await assert.rejects(restore(stage))
  stage.database.faults.clear()
  const before = stage.log.length
  const context = stage.testHost.context()
  const journal = await unfinishedJournal('portal', context.records)
  assert.ok(journal !== undefined)
  const reader = await (await stage.testHost.repository()).open(POINT, [pair], context)
  await resumeRestore(stage.app, reader, journal, context)
  assert.deepEqual(stage.log.slice(before), ['files reopen', 'database reopen'])
})

test('a restore that another process is at is locked, and not called stopped', async (t) => {
  const stage = await stageFor(t)
  stage.database.faults.set('reopen', broken)
  await assert.rejects(restore(stage))
  const context = stage.testHost.context()
  const journal = await unfinishedJournal('portal', context.records)
  assert.ok(journal !== undefined)
  const reader = await (await stage.testHost.repository()).open(POINT, [pair], context)
  const yes = (): Promise<boolean> => Promise.resolve(true)
  const busy = { ...context, processes: { ...context.processes, isVisible: yes, isRunning: yes } }
  const loading: RestoreJournal = { ...journal, stage: 'loading', owner: 'another process' }
  await assert.rejects(resumeRestore(stage.app, reader, loading, busy), { kind: 'locked' })
  await assert.rejects(resumeRestore(stage.app, reader, { ...journal, stage: 'loading' }, context), { kind: 'refused' })
})

test('a restore that stopped counts the bytes that it loaded, and no others', async (t) => {
  const stage = await stageFor(t)
  stage.database.faults.set('load', broken)
  assert.equal((await restore(stage)).bytes, 0)
  stage.database.faults.clear()
  stage.files.faults.set('load', broken)
  assert.equal((await restore(stage, { restoreId: 'abcdef02' })).bytes, 'captured rows'.length)
})
