import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Effects } from '../../src/core/ports.ts'
import { guardApp, type GuardReport } from '../../src/operations/guard/guard.ts'
import { findRecord } from '../../src/operations/pause/record.ts'
import { planPause, runPause } from '../../src/operations/pause/pause.ts'
import { planResume, runResume } from '../../src/operations/pause/resume.ts'
import { unfinishedJournal } from '../../src/operations/restore/journal.ts'
import { continueUnfinished } from '../../src/operations/restore/run.ts'
import { BOTH, stageFor, type Stage } from '../../src/operations/testing/paused-stage.ts'
import { restoreIn } from '../../src/operations/testing/restore-in.ts'
import { planUndo, runUndo } from '../../src/operations/undo/undo.ts'
import { hostPlatform } from '../../src/platforms/host/host.ts'
import { hostSettings } from '../../src/platforms/host/schema.ts'
import { dyingEffects } from '../parts/dying-effects.ts'
import { crashEverywhere } from './matrix.ts'

/** The process dies at each effect; then the guardian alone brings the app up on whole data, or leaves it down on what may be none. */
const close = ({ testHost }: Stage): Promise<void> => testHost.close()
const ORDER = { restoreId: 'abcdef01', point: '1'.padStart(32, '0') }

const guard = ({ app, testHost }: Stage, effects?: Effects): Promise<GuardReport> =>
  guardApp(app, testHost.context(effects))

/** All run, nothing is locked, nothing says otherwise; gives the live data. */
async function assertUp({ app, up, place, testHost }: Stage): Promise<string | undefined> {
  assert.deepEqual([up, place.open], [BOTH, true])
  assert.equal(await findRecord(app, testHost.context()), undefined)
  return place.live
}

test('a restore by swap that dies anywhere is brought up on what was live before or on what it brought', async (t) => {
  await crashEverywhere<Stage, unknown>(t, {
    fresh: () => stageFor(),
    run: (stage, effects) => restoreIn(stage.testHost, stage.app, ORDER, effects),
    async recover(stage) {
      await guard(stage)
      const context = stage.testHost.context()
      const live = await assertUp(stage)
      const left = await unfinishedJournal('portal', context.records)
      assert.ok(live === 'live' || (live === 'captured' && left === undefined), `${live} ${left?.stage}`)
      assert.equal((await guard(stage)).outcome, 'up')
      // What was not swapped is still proven and beside.
      if (left?.stage !== 'staged') return
      await continueUnfinished(stage.app, undefined, context)
      assert.equal(await assertUp(stage), 'captured')
    },
    close,
  })
})

test('a restore in place that died while it loaded stays down with a way back, and any other comes up', async (t) => {
  await crashEverywhere<Stage, unknown>(t, {
    fresh: () => stageFor(),
    run: (stage, effects) => restoreIn(stage.testHost, stage.app, { ...ORDER, mode: 'in-place' }, effects),
    async recover(stage) {
      const context = stage.testHost.context()
      const stageBefore = (await unfinishedJournal('portal', context.records))?.stage
      const live = (await findRecord(stage.app, context))?.live
      const { outcome, hint } = await guard(stage)
      const isMixed =
        (stageBefore === 'loading' && stage.place.side !== undefined) ||
        (stageBefore === undefined && live === 'unsure')
      assert.equal(outcome === 'down', isMixed, `${stageBefore} ${live}`)
      if (outcome !== 'down') return void (await assertUp(stage))
      assert.ok(stageBefore === 'loading' || stageBefore === undefined, stageBefore)
      assert.deepEqual([stage.up.size, (await findRecord(stage.app, context))?.live], [0, 'unsure'])
      assert.match(hint ?? '', /restore again|--abandon/)
    },
    close,
  })
})

async function undo({ app, testHost }: Stage, effects?: Effects): Promise<void> {
  const context = testHost.context(effects)
  await runUndo(app, await planUndo(app, undefined, context), context)
}

test('an undo that dies anywhere is finished or was none', async (t) => {
  await crashEverywhere<Stage, unknown>(t, {
    async fresh() {
      const stage = await stageFor()
      await restoreIn(stage.testHost, stage.app, ORDER)
      return stage
    },
    run: undo,
    async recover(stage) {
      await guard(stage)
      assert.ok(['live', 'captured'].includes((await assertUp(stage)) ?? ''))
      assert.equal(await unfinishedJournal('portal', stage.testHost.context().records), undefined)
    },
    close,
  })
})

test('a guardian that dies while it brings an app back is followed by one that does', async (t) => {
  await crashEverywhere<Stage, unknown>(t, {
    async fresh() {
      const stage = await stageFor()
      const dying = dyingEffects({ name: 'database: swap', occurrence: 1 }, 'before')
      await restoreIn(stage.testHost, stage.app, ORDER, dying).catch(() => undefined)
      return stage
    },
    run: (stage, effects) => guard(stage, effects),
    async recover(stage) {
      await guard(stage)
      assert.equal(await assertUp(stage), 'live')
    },
    close,
  })
})

test('a guardian that dies while it opens what a restore in place had not changed is followed by one that does', async (t) => {
  await crashEverywhere<Stage, unknown>(t, {
    async fresh() {
      const stage = await stageFor()
      const dying = dyingEffects({ name: 'database: load half', occurrence: 1 }, 'before')
      await restoreIn(stage.testHost, stage.app, { ...ORDER, mode: 'in-place' }, dying).catch(() => undefined)
      return stage
    },
    run: (stage, effects) => guard(stage, effects),
    async recover(stage) {
      await guard(stage)
      assert.equal(await assertUp(stage), 'live')
    },
    close,
  })
})

test('a pause and a resume that die are ended by the guardian once the time of the pause is over, and not before', async (t) => {
  await crashEverywhere<Stage, unknown>(t, {
    fresh: () => stageFor(),
    async run({ app, testHost }, effects) {
      const context = testHost.context(effects)
      await runPause(app, await planPause(app, { forMilliseconds: 3_600_000 }, context), context)
      await runResume(app, await planResume(app, [], context), context)
    },
    async recover(stage) {
      const { outcome } = await guard(stage)
      assert.ok(outcome === 'paused' || outcome === 'up', outcome)
      stage.testHost.clock.passHours(2)
      await guard(stage)
      await assertUp(stage)
    },
    close,
  })
})

interface HostStage extends Stage {
  /** A file for each program that runs. */
  readonly programs: string
}

/** The stage with programs of this host, which run while a file is there. */
async function onHost(): Promise<HostStage> {
  const stage = await stageFor()
  const programs = await mkdtemp(join(tmpdir(), 'holdfast-programs-'))
  const entries = [...BOTH].map((name) => {
    const file = join(programs, name)
    const running = ['/bin/sh', '-c', '[ -e "$1" ] || exit 3', 'sh', file]
    return [name, { running, stop: ['rm', '-f', file], start: ['touch', file] }] as const
  })
  for (const name of BOTH) await writeFile(join(programs, name), '')
  const settings = hostSettings.parse({ kind: 'host', workloads: Object.fromEntries(entries) })
  return { ...stage, programs, app: { ...stage.app, platform: { kind: hostPlatform, settings, reaches: [] } } }
}

const SOAK = process.env['HOLDFAST_SOAK'] === '1'

test('programs of this host run again after a restore and a pause that died at each of their effects', async (t) => {
  await crashEverywhere<HostStage, unknown>(t, {
    fresh: onHost,
    async run(stage, effects) {
      await restoreIn(stage.testHost, stage.app, ORDER, effects)
      const context = stage.testHost.context(effects)
      await runPause(stage.app, await planPause(stage.app, { forMilliseconds: 3_600_000 }, context), context)
    },
    async recover(stage) {
      stage.testHost.clock.passHours(2)
      await guard(stage)
      assert.deepEqual(new Set(await readdir(stage.programs)), BOTH)
      assert.equal(await findRecord(stage.app, stage.testHost.context()), undefined)
    },
    // The others are tried above, with workloads that cost less.
    choose: (seen) => (SOAK ? seen : seen.filter(({ name }) => /^(?:pause|resume) /.test(name))),
    deathsAt: () => (SOAK ? ['before', 'after', 'lost'] : ['after']),
    async close(stage) {
      await stage.testHost.close()
      await rm(stage.programs, { recursive: true, force: true })
    },
  })
})
