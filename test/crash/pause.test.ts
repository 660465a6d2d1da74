import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Effects } from '../../src/core/ports.ts'
import { findRecord } from '../../src/operations/pause/record.ts'
import { planPause, runPause } from '../../src/operations/pause/pause.ts'
import { planResume, runResume } from '../../src/operations/pause/resume.ts'
import { unfinishedJournal } from '../../src/operations/restore/journal.ts'
import { BOTH, backUp, capturedPaused, stageFor, type Stage } from '../../src/operations/testing/paused-stage.ts'
import { restoreIn } from '../../src/operations/testing/restore-in.ts'
import { planUndo, runUndo } from '../../src/operations/undo/undo.ts'
import { crashEverywhere, settled } from './matrix.ts'

/** The process dies at each effect of what pauses an app; afterwards no app is down on whole data, and none is up on a mixture. */
const close = ({ testHost }: Stage): Promise<void> => testHost.close()
const ORDER = { restoreId: 'abcdef01', point: '1'.padStart(32, '0') }

/** All run again, and nothing says otherwise. */
async function assertUp({ app, up, testHost }: Stage): Promise<void> {
  assert.deepEqual(up, BOTH)
  assert.equal(await findRecord(app, testHost.context()), undefined)
}

async function resume({ app, testHost }: Stage, effects?: Effects): Promise<void> {
  const context = testHost.context(effects)
  await runResume(app, await planResume(app, [], context), context)
}

for (const [how, bringBack] of [
  ['the next backup', (stage: Stage) => backUp(stage)],
  ['resume', (stage: Stage) => resume(stage)],
] as const)
  test(`a backup that dies while the app is paused leaves nobody down after ${how}`, async (t) => {
    await crashEverywhere<Stage, unknown>(t, {
      fresh: () => stageFor(),
      run: (stage, effects) => backUp({ ...stage, app: capturedPaused(stage) }, effects),
      async recover(stage) {
        assert.equal(stage.place.live, 'live')
        await bringBack(stage)
        await assertUp(stage)
      },
      close,
    })
  })

async function undo({ app, testHost }: Stage, effects?: Effects): Promise<void> {
  const context = testHost.context(effects)
  await runUndo(app, await planUndo(app, undefined, context), context)
}

for (const machine of ['that restored', 'without its journal'])
  test(`an undo that dies on a machine ${machine} leaves nobody down after the next backup, and can be made again`, async (t) => {
    await crashEverywhere<Stage, unknown>(t, {
      async fresh() {
        const stage = await stageFor()
        await restoreIn(stage.testHost, stage.app, ORDER)
        if (machine === 'without its journal') await stage.testHost.context().records.remove('restore-portal-abcdef01')
        return stage
      },
      run: undo,
      async recover(stage, { ended }) {
        const context = stage.testHost.context()
        await backUp(stage)
        await assertUp(stage)
        if (ended === 'dead' || 'error' in ended) await settled(undo(stage))
        assert.equal(stage.place.live, 'live')
        assert.equal(await unfinishedJournal('portal', context.records), undefined)
        await resume(stage)
        await assertUp(stage)
      },
      close,
    })
  })

test('a pause that dies anywhere leaves one that resume ends, and so does a resume', async (t) => {
  await crashEverywhere<Stage, unknown>(t, {
    fresh: () => stageFor(),
    async run(stage, effects) {
      const context = stage.testHost.context(effects)
      await runPause(stage.app, await planPause(stage.app, {}, context), context)
      await resume(stage, effects)
    },
    async recover(stage) {
      await resume(stage)
      await assertUp(stage)
    },
    close,
  })
})
