import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../../core/failure.ts'
import type { Effects } from '../../../core/ports.ts'
import type { Platform } from '../../../platforms/platform.ts'
import type { App, OperationContext } from '../../app.ts'
import { planBackup } from '../../backup/plan.ts'
import { runBackup } from '../../backup/run.ts'
import { loadServerNotes } from '../../lineage/server-notes.ts'
import { forgetExpired } from '../../prune/forget-expired.ts'
import { TextPlace, textPlaces } from '../../testing/text-driver.ts'
import { diesAt } from '../../testing/dies-at.ts'
import { newTestHost, textComponent, type TestHost } from '../../testing/test-host.ts'
import { forgetRetained, listRetained } from '../../undo/retained.ts'
import { planUndo, runUndo } from '../../undo/undo.ts'
import { isFinished, journalsOf, saveJournal, type RestoreJournal } from '../journal.ts'
import { orderOf, planRestore, type RestoreRequest } from '../plan.ts'
import type { RestoreReport } from '../report.ts'
import { abandonUnfinished, continueUnfinished, runRestore } from '../run.ts'
import { appInto } from './app-into.ts'

const INTO = { database: { place: 'copy' }, files: { place: 'copied key' } }

const JOURNAL: RestoreJournal = {
  format: 1,
  restoreId: 'abcdef01',
  app: 'portal',
  point: '1'.padStart(32, '0'),
  repository: 'repository-0',
  mode: 'in-place',
  components: ['database'],
  stage: 'abandoned',
  safetyPoint: null,
  started: '2026-01-01T00:00:00Z',
  updated: '2026-01-01T00:00:00Z',
}

interface Stage {
  readonly testHost: TestHost
  readonly app: App
  readonly own: readonly TextPlace[]
  readonly copy: TextPlace
  readonly copiedKey: TextPlace
  readonly context: OperationContext
}

/** Tells of every call: nothing of the app is stopped or started. */
function untouchedPlatform(calls: string[]): NonNullable<App['platform']> {
  const told = (what: string): Promise<never> => Promise.reject(new Error(calls[calls.push(what) - 1]))
  const kind = {
    kind: 'host',
    running: () => told('running'),
    pause: () => told('pause'),
    resume: () => told('resume'),
  }
  // Only these are called by a restore.
  return { kind: kind as unknown as Platform, settings: {}, reaches: [] }
}

async function stageFor(t: TestContext, change: Partial<App> = {}): Promise<Stage> {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const own = [new TextPlace('database', 'captured rows'), new TextPlace('files', 'captured key')]
  const app = testHost.app(own.map(textComponent), undefined, change)
  const context = testHost.context()
  const { platform: _idle, ...still } = app
  await runBackup(still, await planBackup(still, context), context)
  for (const place of own) place.live = `live ${place.name}`
  const [copy, copiedKey] = [new TextPlace('copy', 'old copy'), new TextPlace('copied key', undefined)]
  for (const place of [copy, copiedKey]) textPlaces.set(place.name, place)
  return { testHost, app, own, copy, copiedKey, context }
}

async function restore(
  { app, context, testHost }: Stage,
  request: Partial<RestoreRequest> = {},
  effects?: Effects,
): Promise<RestoreReport> {
  const order = orderOf(await planRestore(app, { into: INTO, ...request }, context))
  // As a worker would have it.
  const stored: unknown = JSON.parse(JSON.stringify(order))
  assert.deepEqual(stored, order)
  return (await runRestore(app, order, effects === undefined ? context : testHost.context(effects))).report
}

function assertOwnUntouched({ own }: Stage): void {
  for (const { name, live, log, side, previous, open } of own)
    assert.deepEqual([live, log, side, previous, open], [`live ${name}`, [], undefined, undefined, true])
}

test('a restore into another place leaves the app alone: its data, its writers, its points, its lineage', async (t) => {
  const calls: string[] = []
  const stage = await stageFor(t, { platform: untouchedPlatform(calls) })
  stage.copy.server = { server: 'e'.repeat(16), timeline: 1, position: null }
  // An earlier restore left them down.
  const { records, clock } = stage.context
  await saveJournal({ ...JOURNAL, paused: ['web'] }, records, clock)
  assert.equal(appInto(stage.app, INTO).platform, undefined)
  const plan = await planRestore(stage.app, { into: INTO }, stage.context)
  assert.deepEqual([plan.into, plan.safetyPoint, plan.pauses], [INTO, false, undefined])
  const report = await restore(stage)
  assert.equal(report.safetyPoint, null)
  assert.equal(stage.copy.live, 'captured rows')
  assert.equal(stage.copiedKey.live, 'captured key')
  assertOwnUntouched(stage)
  assert.equal((await planUndo(stage.app, report.restoreId, stage.context)).pauses, undefined)
  assert.deepEqual(calls, [])
  const { points } = await (await stage.testHost.repository()).catalog(stage.context)
  assert.equal(points.length, 1)
  assert.deepEqual(await loadServerNotes('portal', stage.context), [])
})

test('it is undone and forgotten by its id; an undo without one means the own place', async (t) => {
  const stage = await stageFor(t)
  const { app, context, copy, copiedKey } = stage
  const { restoreId } = await restore(stage)
  await assert.rejects(planUndo(app, undefined, context), { kind: 'notFound' })
  const listed = await listRetained(app, context)
  assert.deepEqual(new Set(listed.map((one) => one.restoreId)), new Set([restoreId]))
  assert.deepEqual(listed[0]?.into, INTO)
  assert.equal((await planUndo(app, restoreId, context)).confirmation, 'copy')
  await runUndo(app, { app: app.name, restoreId }, context)
  assert.deepEqual([copy.live, copiedKey.live], ['old copy', undefined])
  await forgetRetained(app, restoreId, context)
  assert.deepEqual([copy.undone, copiedKey.undone], [undefined, undefined])
  assertOwnUntouched(stage)
})

test('prune removes what is over there, of no other restore, and then looks there no more', async (t) => {
  const stage = await stageFor(t)
  await restore(stage)
  stage.copy.undone = { id: '00000000', text: "somebody else's" }
  const forgotten = await forgetExpired(stage.app, stage.context)
  assert.deepEqual(
    forgotten.map(({ description }) => description),
    ['text copy', 'text copied key'],
  )
  assert.deepEqual([stage.copy.previous, stage.copy.undone?.id], [undefined, '00000000'])
  const [journal] = await journalsOf('portal', stage.context.records)
  assert.equal(journal?.cleared, true)
  assertOwnUntouched(stage)
})

test('a place that is gone is told with the way out of it, which ends the matter', async (t) => {
  const stage = await stageFor(t)
  const { restoreId } = await restore(stage)
  stage.copy.faults.set('list', new Failure('unreachable', 'no route'))
  const told = (await forgetExpired(stage.app, stage.context)).flatMap(({ failure }) => failure ?? [])
  assert.match(told.join('\n'), new RegExp(`^database: no route .*--accept gone-copy-${restoreId}$`))
  assert.deepEqual(await forgetExpired(stage.app, stage.context, [`gone-copy-${restoreId}`]), [])
  assert.deepEqual(await forgetExpired(stage.app, stage.context), [])
})

test('a process that dies anywhere leaves a restore that goes on, or is taken back, at its own place', async (t) => {
  for (const when of ['before', 'after'] as const)
    for (let at = 1; ; at += 1) {
      const stage = await stageFor(t)
      const effects = diesAt(at, when)
      await restore(stage, {}, effects).catch(() => undefined)
      if (!effects.reached()) break
      const { app, context } = stage
      if ((await journalsOf('portal', context.records)).some((one) => !isFinished(one.stage))) {
        await assert.rejects(abandonUnfinished(app, context), { kind: 'notFound', hint: /--into database.place=copy / })
        // It keeps no restore of the app's own place from running.
        await planRestore(app, {}, context)
        await assert.rejects(planRestore(app, { into: INTO }, context), { kind: 'refused', hint: /--into/ })
        const goOn =
          when === 'before' ? continueUnfinished(app, undefined, context, INTO) : abandonUnfinished(app, context, INTO)
        await goOn.catch(() => abandonUnfinished(app, context, INTO))
      }
      const { copy, copiedKey } = stage
      const isRestored = copy.live === 'captured rows'
      assert.deepEqual(
        [copy.live, copiedKey.live],
        isRestored ? ['captured rows', 'captured key'] : ['old copy', undefined],
      )
      assert.deepEqual([copy.open, copy.side, copiedKey.side], [true, undefined, undefined], `${when} effect ${at}`)
      assertOwnUntouched(stage)
    }
})

const REFUSED: readonly (readonly [string, RestoreRequest['into'], RegExp])[] = [
  ['the place of another app', { ...INTO, database: { place: 'billing' } }, /component rows of app billing/],
  [
    'a folder in the place of another app',
    { ...INTO, files: { place: 'billing/keys' } },
    /component rows of app billing/,
  ],
  ['a folder in the own place', { ...INTO, files: { place: 'files/copy' } }, /component files of app portal/],
  [
    'the place of another component of the app',
    { ...INTO, files: { place: 'database' } },
    /component database of app portal/,
  ],
  ['one place for two', { database: { place: 'copy' }, files: { place: 'copy' } }, /of this restore/],
  [
    'a part of the app at its own place',
    { database: { place: 'copy' } },
    /files of app portal would go to the app's own place/,
  ],
]

test('what the configuration names is refused before anything is changed, by the plan and by the run', async (t) => {
  const stage = await stageFor(t)
  const billing = new TextPlace('billing', 'bills')
  for (const place of [...stage.own, billing]) textPlaces.set(place.name, place)
  const other = { ...stage.app, name: 'billing', components: [{ ...textComponent(billing), name: 'rows' }] }
  const app: App = { ...stage.app, neighbours: () => [stage.app, other] }
  for (const [what, into, message] of REFUSED) {
    await assert.rejects(planRestore(app, { into }, stage.context), { kind: 'refused', message }, what)
    const order = { ...orderOf(await planRestore(app, { into: INTO }, stage.context)), ...(into && { into }) }
    await assert.rejects(runRestore(app, order, stage.context), { kind: 'refused', message }, what)
  }
  assertOwnUntouched(stage)
  assert.deepEqual([billing.log, stage.copy.log], [[], []])
  // A copy that the configuration names meanwhile is no longer undone under the feet of its app.
  const { restoreId } = await restore(stage)
  const moved = { ...other, components: [{ ...textComponent(stage.copy), name: 'rows' }] }
  const after: App = { ...stage.app, neighbours: () => [stage.app, moved] }
  await assert.rejects(planUndo(after, restoreId, stage.context), { kind: 'refused' })
})

test("the app's own place by name is its own place, and settings of no place are refused", async (t) => {
  const stage = await stageFor(t)
  for (const place of stage.own) textPlaces.set(place.name, place)
  const own = { database: { place: 'database' }, files: { place: 'files' } }
  const plan = await planRestore(stage.app, { into: own }, stage.context)
  assert.deepEqual([plan.into, plan.safetyPoint], [undefined, true])
  for (const into of [{ database: { kind: 'other' } }, { nothing: { place: 'copy' } }])
    await assert.rejects(planRestore(stage.app, { into }, stage.context), { kind: 'usage' })
  await assert.rejects(planRestore(stage.app, { into: INTO, mode: 'scratch' }, stage.context), { kind: 'usage' })
})
