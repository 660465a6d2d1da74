import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import type { Effects } from '../../src/core/ports.ts'
import type { App, OperationContext } from '../../src/operations/app.ts'
import { planBackup } from '../../src/operations/backup/plan.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import { unfinishedJournal } from '../../src/operations/restore/journal.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import { canContinue } from '../../src/operations/restore/next-step.ts'
import { abandonRestore, resumeRestore } from '../../src/operations/restore/resume.ts'
import { restoreIn } from '../../src/operations/testing/restore-in.ts'
import { TextPlace } from '../../src/operations/testing/text-driver.ts'
import { newTestHost, pair, textComponent, type TestHost } from '../../src/operations/testing/test-host.ts'
import { runUndo, planUndo, type UndoReport } from '../../src/operations/undo/undo.ts'
import { crashEverywhere, settled } from './matrix.ts'
import { assertSound, listed } from './points.ts'

/**
 * Everything an operation itself does, over components in memory: the safety point, the journal, the order of the targets. The
 * drivers' own effects are in restore-swap.test.ts.
 */
const POINT = '1'.padStart(32, '0')
const RESTORE_ID = 'abcdef01'
const captured = { database: 'captured rows', files: 'captured key' }
const before = { database: 'live rows', files: 'live key' }

interface World {
  readonly testHost: TestHost
  readonly places: { readonly database: TextPlace; readonly files: TextPlace }
}

function appOf({ testHost, places }: World, effects?: Effects): App {
  return testHost.app([textComponent(places.database), textComponent(places.files)], effects)
}

async function freshWorld(): Promise<World> {
  const world = {
    testHost: await newTestHost(),
    places: { database: new TextPlace('database', captured.database), files: new TextPlace('files', captured.files) },
  }
  const app = appOf(world)
  await runBackup(app, await planBackup(app, world.testHost.context()), world.testHost.context())
  world.places.database.live = before.database
  world.places.files.live = before.files
  return world
}

function restore(world: World, effects?: Effects, restoreId = RESTORE_ID): Promise<RestoreReport> {
  const planned = { restoreId, point: POINT, safetyPoint: true }
  return restoreIn(world.testHost, appOf(world, effects), planned, effects)
}

function live({ places: { database, files } }: World): { database: string | undefined; files: string | undefined } {
  return { database: database.live, files: files.live }
}

function assertOpen({ places }: World): void {
  for (const place of Object.values(places)) assert.ok(place.open, `${place.name} is locked`)
}

function assertNothingBeside({ places }: World, kept: boolean): void {
  for (const place of Object.values(places)) {
    assert.equal(place.side, undefined, `${place.name} has something beside`)
    assert.equal(place.previous !== undefined, kept, `${place.name} previous`)
  }
}

/** Each component is the old or the new one, whole, while nobody has recovered anything. */
function assertOldOrNew(world: World): void {
  for (const name of ['database', 'files'] as const)
    assert.ok([captured[name], before[name]].includes(live(world)[name] ?? ''), `${name} is ${live(world)[name]}`)
}

async function forward(world: World, context: OperationContext): Promise<void> {
  const journal = await unfinishedJournal('portal', context.records)
  if (journal === undefined) return
  const app = appOf(world)
  const reader = await (await world.testHost.repository()).open(POINT, [pair], context)
  if (canContinue(journal)) return void (await resumeRestore(app, reader, journal, context))
  await assert.rejects(resumeRestore(app, reader, journal, context), { kind: 'refused' })
  await abandonRestore(app, journal, context)
}

async function back(world: World, context: OperationContext): Promise<void> {
  const journal = await unfinishedJournal('portal', context.records)
  if (journal !== undefined) await abandonRestore(appOf(world), journal, context)
}

for (const [way, recover] of [
  ['resumed', forward],
  ['abandoned', back],
] as const) {
  test(`a restore that dies anywhere and is ${way} leaves all of the old or all of the new data`, async (t) => {
    const ends = new Set<string>()
    await crashEverywhere<World, RestoreReport>(t, {
      fresh: freshWorld,
      run: restore,
      async recover(world, { ended }) {
        assertOldOrNew(world)
        const context = world.testHost.context()
        const cutOff = await unfinishedJournal('portal', context.records)
        await recover(world, context)
        assert.equal(await unfinishedJournal('portal', context.records), undefined)
        assertOpen(world)
        const isNew = live(world).database === captured.database
        assert.deepEqual(live(world), isNew ? captured : before)
        assertNothingBeside(world, isNew)
        if (cutOff !== undefined && recover === back) assert.equal(isNew, false, 'an abandoned restore is live')
        if (ended !== 'dead' && 'result' in ended && cutOff === undefined)
          assert.equal(ended.result.outcome === 'done', isNew, 'the report told something else')
        assert.ok(listed(await assertSound(world.testHost)).includes(POINT))
        ends.add(isNew ? 'new' : 'old')
        // The next restore has an id of its own, as each has.
        assert.equal((await restore(world, undefined, 'abcdef02')).outcome, 'done')
        assert.deepEqual(live(world), captured)
      },
      close: ({ testHost }) => testHost.close(),
    })
    assert.deepEqual([...ends].sort(), ['new', 'old'])
  })
}

async function undo(world: World, effects?: Effects): Promise<UndoReport> {
  const app = appOf(world, effects)
  const context = world.testHost.context(effects)
  return runUndo(app, await planUndo(app, undefined, context), context)
}

/** One that was complete has nothing left to do, and says so. */
async function undoAgain(world: World): Promise<void> {
  const isUnfinished = (await unfinishedJournal('portal', world.testHost.context().records)) !== undefined
  const ended = await settled(undo(world))
  if (!('error' in ended)) return
  assert.ok(isFailure(ended.error, 'notFound') && !isUnfinished, String(ended.error))
  assert.deepEqual(live(world), before)
}

test('an undo that dies anywhere is made again', async (t) => {
  await crashEverywhere<World, UndoReport>(t, {
    async fresh() {
      const world = await freshWorld()
      await restore(world)
      return world
    },
    run: undo,
    async recover(world) {
      assertOldOrNew(world)
      await undoAgain(world)
      assert.deepEqual(live(world), before)
      assertOpen(world)
      assertNothingBeside(world, false)
      assert.equal(await unfinishedJournal('portal', world.testHost.context().records), undefined)
    },
    close: ({ testHost }) => testHost.close(),
  })
})
