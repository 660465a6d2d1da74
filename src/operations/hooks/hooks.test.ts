import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hooksSetting } from '../../config/hooks-schema.ts'
import type { Effects } from '../../core/ports.ts'
import { guardApp } from '../guard/guard.ts'
import { executeCheck } from '../check/check.ts'
import { backUp, BOTH, broken, stageFor, type Stage } from '../testing/paused-stage.ts'
import { restoreIn } from '../testing/restore-in.ts'
import { quickClock } from '../testing/quick-clock.ts'
import { planUndo, runUndo } from '../undo/undo.ts'
import { owedTo, saveHookRecord } from './hook-record.ts'
import { beginHooks, endHooks } from './hooks.ts'

const ORDER = { restoreId: 'abcdef01', point: '1'.padStart(32, '0') }

interface HookedStage extends Stage {
  /** What each hook was told, in order; empties what was read. */
  readonly told: () => Promise<readonly string[]>
}

/** The stage with hooks that write down what they are told, and fail where a file of their name is there. */
async function hookedStage(
  t: TestContext,
  onFailure: 'fail' | 'warn' = 'fail',
  failing?: string,
): Promise<HookedStage> {
  const stage = await stageFor(t)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-hooks-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const [script, log] = [join(folder, 'hook'), join(folder, 'log')]
  const line =
    '$HOLDFAST_HOOK $HOLDFAST_APP $HOLDFAST_OPERATION ${HOLDFAST_POINT:+point}$HOLDFAST_RESTORE $HOLDFAST_OUTCOME'
  await writeFile(script, `#!/bin/sh\necho "${line}" >> '${log}'\n[ "$HOLDFAST_HOOK" != "$1" ]\n`, { mode: 0o700 })
  const all = [{ command: [script, failing ?? 'none'], onFailure }]
  const names = ['beforeCapture', 'afterCapture', 'beforeRestore', 'afterRestore'] as const
  const hooks = hooksSetting.parse(Object.fromEntries(names.map((name) => [name, all])))
  const told = async (): Promise<readonly string[]> => {
    const text = await readFile(log, 'utf8').catch(() => '')
    await rm(log, { force: true })
    return text
      .trim()
      .split('\n')
      .map((one) => one.trim())
  }
  return { ...stage, app: { ...stage.app, hooks }, told }
}

test('hooks run before and after, and are told what for', async (t) => {
  const stage = await hookedStage(t)
  const { app, testHost, told } = stage
  await backUp(stage)
  assert.deepEqual(await told(), ['beforeCapture portal backup point', 'afterCapture portal backup point done'])
  await restoreIn(testHost, app, ORDER)
  assert.deepEqual(await told(), ['beforeRestore portal restore abcdef01', 'afterRestore portal restore abcdef01 done'])
  const context = testHost.context()
  await runUndo(app, await planUndo(app, undefined, context), context)
  assert.deepEqual(await told(), ['beforeRestore portal undo abcdef01', 'afterRestore portal undo abcdef01 done'])
  assert.deepEqual(
    (await context.records.list()).filter((name) => name.startsWith('hooks-')),
    [],
  )
})

test('after a failure the after-hooks run too', async (t) => {
  const stage = await hookedStage(t)
  stage.place.faults.set('capture', broken)
  await assert.rejects(backUp(stage), /it broke/)
  assert.match((await stage.told()).at(-1) ?? '', /afterCapture .* failed$/)
  stage.place.faults.clear()
  stage.place.faults.set('fence', broken)
  assert.equal((await restoreIn(stage.testHost, stage.app, ORDER)).outcome, 'stopped')
  assert.match((await stage.told()).at(-1) ?? '', /afterRestore .* failed$/)
  assert.deepEqual(stage.up, BOTH)
})

test('a before-hook that fails stops the operation before anything is stopped, unless its failure is only told', async (t) => {
  const strict = await hookedStage(t, 'fail', 'beforeRestore')
  const report = await restoreIn(strict.testHost, strict.app, ORDER)
  assert.deepEqual([report.outcome, report.live, strict.up], ['stopped', 'as before', BOTH])
  assert.equal(
    strict.log.some((act) => act.startsWith('pause')),
    false,
  )
  const mild = await hookedStage(t, 'warn', 'beforeRestore')
  assert.equal((await restoreIn(mild.testHost, mild.app, ORDER)).outcome, 'done')
  assert.match(JSON.stringify(mild.testHost.events), /hook beforeRestore 1 failed/)
})

test('an after-hook that fails loses no restore point, is told, and stays owed', async (t) => {
  const stage = await hookedStage(t, 'fail', 'afterCapture')
  const report = await backUp(stage)
  assert.deepEqual([report.outcome, report.notResumed?.kind], ['done', 'toolFailed'])
  const { apps } = await executeCheck([stage.app], stage.testHost.context())
  assert.match(JSON.stringify(apps), /was cut off before its hooks afterCapture had run/)
})

test('what a death leaves owed is run by the guardian, once the app is up', async (t) => {
  for (const effect of ['database: fence', 'database: swap', 'hook afterRestore 1']) {
    const stage = await hookedStage(t)
    let isDead = false
    const dying: Effects = {
      async run(name, act) {
        isDead ||= name === effect
        if (isDead) throw new Error('died')
        return await act()
      },
    }
    await restoreIn(stage.testHost, stage.app, ORDER, dying).catch(() => undefined)
    assert.deepEqual(await stage.told(), ['beforeRestore portal restore abcdef01'], effect)
    await guardApp(stage.app, stage.testHost.context())
    assert.deepEqual(await stage.told(), ['afterRestore portal restore abcdef01 died'], effect)
    assert.deepEqual(stage.up, BOTH)
    await guardApp(stage.app, stage.testHost.context())
    assert.deepEqual(await stage.told(), [''])
  }
})

test('two operations at once owe each its own hooks', async (t) => {
  const stage = await hookedStage(t)
  const { app, testHost, told } = stage
  const context = testHost.context()
  await beginHooks(app, { kind: 'Restore', operation: 'restore', id: 'abcdef01' }, context)
  await backUp(stage)
  await told()
  await endHooks(app, 'abcdef01', 'done', context)
  assert.deepEqual(await told(), ['afterRestore portal restore abcdef01 done'])
  assert.deepEqual(await owedTo('portal', context), [])
})

test('a record of an earlier version is paid and removed too; that of an app with a longer name is left', async (t) => {
  const { app, testHost, told } = await hookedStage(t)
  const context = testHost.context()
  const dead = JSON.stringify(['boot', 'pid:[1]', '7', '1'])
  const owed = { format: 1, app: 'portal', kind: 'Capture', operation: 'backup', id: 'p', owner: dead }
  await context.records.save('hooks-portal', owed)
  await context.records.save('hooks-portal-b', { ...owed, app: 'portal-b' })
  const processes = {
    ...context.processes,
    isRunning: () => Promise.resolve(false),
    isVisible: () => Promise.resolve(true),
  }
  await guardApp(app, { ...context, processes: { ...processes, begin: () => ({ ...processes, end: () => {} }) } })
  assert.deepEqual(await told(), ['afterCapture portal backup point died'])
  assert.deepEqual(
    (await context.records.list()).filter((name) => name.startsWith('hooks-')),
    ['hooks-portal-b'],
  )
})

test('hooks of a process that cannot be seen are waited for while it beats, and run once it is dead', async (t) => {
  const { app, testHost, told } = await hookedStage(t)
  const context = testHost.context()
  const owner = '["boot","pid:[1]","7","1","1","pod"]'
  const owed = { format: 1, app: 'portal', kind: 'Capture', operation: 'backup', id: 'p', owner } as const
  await saveHookRecord(owed, context)
  assert.match(JSON.stringify(await executeCheck([app], context)), /another container or machine owes its hooks/)
  const beat = `beat-portal-${Buffer.from(owner).toString('base64url')}`
  let beats = 0
  const alive = quickClock(context.clock, () => context.records.save(beat, { format: 1, beat: (beats += 1) }))
  await guardApp(app, { ...context, clock: alive })
  assert.deepEqual([await told(), (await owedTo('portal', context)).length], [[''], 1])
  await guardApp(app, { ...context, clock: quickClock(context.clock) })
  assert.deepEqual(await told(), ['afterCapture portal backup point died'])
  assert.deepEqual(
    (await context.records.list()).filter((name) => /^(?:hooks|beat)-/.test(name)),
    [],
  )
})
