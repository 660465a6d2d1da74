import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Effects } from '../../src/core/ports.ts'
import { isFailure } from '../../src/core/failure.ts'
import { unfinishedJournal } from '../../src/operations/restore/journal.ts'
import { runUndo, planUndo, type UndoReport } from '../../src/operations/undo/undo.ts'
import { crashEverywhere, settled } from './matrix.ts'
import { appOf, assertSomethingWhole, assertUndone, cleanUp, freshSwapped, prepare, testHost } from './restore-swap.ts'

before(prepare)
after(cleanUp)

async function undo(effects?: Effects): Promise<UndoReport> {
  const app = appOf(effects)
  const context = testHost.context(effects)
  return runUndo(app, await planUndo(app, undefined, context), context)
}

test(
  'an undo that dies anywhere leaves the old or the new data, and is made again',
  { timeout: 600_000 },
  async (t) => {
    await crashEverywhere<void, UndoReport>(t, {
      fresh: freshSwapped,
      // All with HOLDFAST_SOAK=1.
      halvedFrom: 0,
      run: (_, effects) => undo(effects),
      async recover() {
        await assertSomethingWhole()
        const { records } = testHost.context()
        const cutOff = await unfinishedJournal('portal', records)
        const ended = await settled(undo())
        // A complete one says that nothing is left to undo.
        if ('error' in ended) assert.ok(cutOff === undefined && isFailure(ended.error, 'notFound'), String(ended.error))
        await assertUndone()
        assert.equal(await unfinishedJournal('portal', records), undefined)
      },
    })
  },
)
