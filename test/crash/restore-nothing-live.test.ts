import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { unfinishedJournal, type RestoreJournal } from '../../src/operations/restore/journal.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import { canContinue } from '../../src/operations/restore/next-step.ts'
import { abandonRestore, resumeRestore } from '../../src/operations/restore/resume.ts'
import { pair } from '../../src/operations/testing/test-host.ts'
import { runUndo, planUndo } from '../../src/operations/undo/undo.ts'
import { deaths } from '../parts/dying-effects.ts'
import { crashEverywhere } from './matrix.ts'
import {
  appOf,
  assertCaptured,
  assertWholeBefore,
  besideKeys,
  CAPTURED,
  cleanUp,
  databases,
  freshWorld,
  POINT,
  key,
  prepare,
  RESTORE_ID,
  restore,
  rows,
  testHost,
} from './restore-swap.ts'

const SOAK = process.env['HOLDFAST_SOAK'] === '1'
/** Until then a restore over live data does the same, and dies at it in restore-swap. */
const LOADS =
  /^pg_restore|ANALYZE|OWNER|LIMIT|DATABASE side( loading| loaded)?$|^files: (remove what|make|keep|restore)/

before(prepare)
after(cleanUp)

const context = testHost.context()
const journal = (): Promise<RestoreJournal | undefined> => unfinishedJournal('portal', context.records)

test(
  'a restore where nothing was live that dies anywhere can be finished or given up',
  { timeout: 600_000 },
  async (t) => {
    await crashEverywhere<void, RestoreReport>(t, {
      fresh: () => freshWorld(false),
      // All with HOLDFAST_SOAK=1.
      halvedFrom: 1,
      deathsAt: (effect) => (!SOAK && LOADS.test(effect) ? [] : deaths),
      run: (_, effects) => restore(effects),
      async recover(_, { death }) {
        const cutOff = await journal()
        if (cutOff === undefined) return
        await (death === 'before' ? resumeOrAbandon(cutOff) : abandon(cutOff))
        assert.equal(await journal(), undefined)
      },
    })
  },
)

/** Nothing is live, as before. What writers may have been in is kept aside. */
async function abandon(cutOff: RestoreJournal): Promise<void> {
  await abandonRestore(appOf(), cutOff, context)
  if (cutOff.stage !== 'reopening') return await assertWholeBefore(false)
  assert.deepEqual(await databases(), [{ name: `app__undone_${RESTORE_ID}`, open: false }])
  assert.deepEqual(await besideKeys(), [`keys.holdfast-undone-${RESTORE_ID}`])
}

async function resumeOrAbandon(cutOff: RestoreJournal): Promise<void> {
  if (!canContinue(cutOff)) return await abandon(cutOff)
  const reader = await (await testHost.repository()).open(POINT, [pair], context)
  await resumeRestore(appOf(), reader, cutOff, context)
  await assertCaptured()
}

test('a restore where nothing was live says so, is undone to nothing, and can be made again', async () => {
  await freshWorld(false)
  assert.deepEqual((await restore()).previous, [])
  const plan = await planUndo(appOf(), undefined, context)
  assert.deepEqual(
    plan.components.map(({ name, wasNothing }) => [name, wasNothing]),
    [
      ['database', true],
      ['files', true],
    ],
  )
  await runUndo(appOf(), plan, context)
  assert.deepEqual(await databases(), [{ name: `app__undone_${RESTORE_ID}`, open: false }])
  assert.deepEqual(await besideKeys(), [`keys.holdfast-undone-${RESTORE_ID}`])
  await assert.rejects(planUndo(appOf(), undefined, context), { kind: 'notFound' })
  const again = await restore(undefined, 'swap', 'abcdef02')
  assert.deepEqual([again.outcome, again.previous], ['done', []])
  assert.deepEqual({ ...(await rows()), key: await key() }, CAPTURED)
})
