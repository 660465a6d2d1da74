import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { secretsDriver } from '../../src/components/secrets/driver.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { Effects } from '../../src/core/ports.ts'
import type { App } from '../../src/operations/app.ts'
import { planBackup } from '../../src/operations/backup/plan.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import { unfinishedJournal } from '../../src/operations/restore/journal.ts'
import { orderOf, planRestore } from '../../src/operations/restore/plan.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import { canContinue } from '../../src/operations/restore/next-step.ts'
import { abandonRestore, resumeRestore } from '../../src/operations/restore/resume.ts'
import { runRestore } from '../../src/operations/restore/run.ts'
import { TextPlace } from '../../src/operations/testing/text-driver.ts'
import { asDriver, newTestHost, pair, textComponent } from '../../src/operations/testing/test-host.ts'
import { runUndo, planUndo, type UndoReport } from '../../src/operations/undo/undo.ts'
import { crashEverywhere, settled } from './matrix.ts'

/** Secrets of a host beside a database in memory: a value that changed, one that is equal, one that is gone, and a variable. */
const POINT = '1'.padStart(32, '0')
const RESTORE_ID = 'abcdef01'
const FILES = ['masterkey', 'same', 'gone', 'app.env'] as const
type Values = Readonly<Record<(typeof FILES)[number], string | undefined>>
const CAPTURED: Values = { masterkey: 'captured', same: 'same', gone: 'captured too', 'app.env': 'A=captured\nB=old\n' }
const BEFORE: Values = { masterkey: 'live', same: 'same', gone: undefined, 'app.env': 'A=live\nB=new\n' }
/** Of an environment file only the captured variable comes back. */
const RESTORED: Values = { ...CAPTURED, 'app.env': 'A=captured\nB=new\n' }

const folder = await mkdtemp(join(tmpdir(), 'holdfast-secrets-crash-'))
const testHost = await newTestHost()
after(async () => {
  await testHost.close()
  await rm(folder, { recursive: true, force: true })
})
let database = new TextPlace('database', 'captured rows')
const settings = secretsDriver.settings.parse({
  kind: 'secrets',
  secrets: {
    masterkey: { file: join(folder, 'masterkey') },
    same: { file: join(folder, 'same') },
    gone: { file: join(folder, 'gone') },
    variable: { file: join(folder, 'app.env'), variable: 'A' },
  },
})

function appOf(effects?: Effects): App {
  return testHost.app([textComponent(database), { name: 'keys', driver: asDriver(secretsDriver), settings }], effects)
}

async function put(values: Values): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { mode: 0o700 })
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) await writeFile(join(folder, name), value, { mode: 0o600 })
}

before(async () => {
  await put(CAPTURED)
  const app = appOf()
  const report = await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  assert.equal(report.outcome, 'done')
})

async function fresh(): Promise<void> {
  database = new TextPlace('database', 'live rows')
  await put(BEFORE)
  for (const name of await readdir(testHost.records))
    if (name.startsWith('restore-')) await rm(join(testHost.records, name))
}

async function restore(effects?: Effects): Promise<RestoreReport> {
  const [app, context] = [appOf(effects), testHost.context(effects)]
  const plan = { ...(await planRestore(app, { at: POINT, safetyPoint: false }, context)), restoreId: RESTORE_ID }
  return (await runRestore(app, orderOf(plan), context)).report
}

async function undo(effects?: Effects): Promise<UndoReport> {
  const [app, context] = [appOf(effects), testHost.context(effects)]
  return runUndo(app, await planUndo(app, undefined, context), context)
}

async function live(): Promise<Values & { readonly database: string | undefined }> {
  const read = (name: string): Promise<string | undefined> =>
    readFile(join(folder, name), 'utf8').catch(() => undefined)
  const [masterkey, same, gone, env] = await Promise.all(FILES.map(read))
  return { masterkey, same, gone, 'app.env': env, database: database.live }
}

const NEW = { ...RESTORED, database: 'captured rows' }
const OLD = { ...BEFORE, database: 'live rows' }

/** Whoever died: each value is the old or the new one, whole, and one that was live is never without its name. */
async function assertEachWhole(): Promise<void> {
  const found = await live()
  for (const name of FILES) assert.ok([NEW[name], OLD[name]].includes(found[name]), `${name} is ${found[name]}`)
}

/** Beside the live files only what an undo needs is left, or nothing. */
async function assertOnlyLive(): Promise<void> {
  const names = (await readdir(folder)).filter((name) => !/\.holdfast-undone-/.test(name))
  assert.deepEqual(
    names.toSorted(),
    Object.entries(BEFORE)
      .flatMap(([name, value]) => (value ? [name] : []))
      .toSorted(),
  )
}

for (const way of ['resumed', 'abandoned'] as const)
  test(`a restore of secrets that dies anywhere and is ${way} leaves all of the old or all of the new`, async (t) => {
    const ends = new Set<string>()
    await crashEverywhere<void, RestoreReport>(t, {
      fresh,
      run: (_, effects) => restore(effects),
      async recover() {
        await assertEachWhole()
        const context = testHost.context()
        const cutOff = await unfinishedJournal('portal', context.records)
        if (cutOff !== undefined) {
          const reader = await (await testHost.repository()).open(POINT, [pair], context)
          if (way === 'resumed' && canContinue(cutOff)) await resumeRestore(appOf(), reader, cutOff, context)
          else await abandonRestore(appOf(), cutOff, context)
        }
        assert.equal(await unfinishedJournal('portal', context.records), undefined)
        const isNew = database.live === NEW.database
        assert.deepEqual(await live(), isNew ? NEW : OLD)
        if (!isNew) await assertOnlyLive()
        ends.add(isNew ? 'new' : 'old')
      },
    })
    assert.deepEqual([...ends].toSorted(), ['new', 'old'])
  })

test('an undo of secrets that dies anywhere is made again', async (t) => {
  await crashEverywhere<void, UndoReport>(t, {
    async fresh() {
      await fresh()
      assert.equal((await restore()).outcome, 'done')
      assert.deepEqual(await live(), NEW)
    },
    run: (_, effects) => undo(effects),
    async recover() {
      await assertEachWhole()
      const cutOff = await unfinishedJournal('portal', testHost.context().records)
      const ended = await settled(undo())
      // A complete one says that nothing is left to undo.
      if ('error' in ended) assert.ok(cutOff === undefined && isFailure(ended.error, 'notFound'), String(ended.error))
      assert.deepEqual(await live(), OLD)
      await assertOnlyLive()
    },
  })
})
