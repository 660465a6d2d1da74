import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { unfinishedJournal, type RestoreJournal } from '../../src/operations/restore/journal.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import { canContinue } from '../../src/operations/restore/next-step.ts'
import { abandonRestore, resumeRestore } from '../../src/operations/restore/resume.ts'
import { pair } from '../../src/operations/testing/test-host.ts'
import { crashEverywhere, type Crash, type Ended } from './matrix.ts'
import {
  appOf,
  assertCaptured,
  assertSomethingWhole,
  assertUndone,
  assertWholeBefore,
  cleanUp,
  freshWorld,
  POINT,
  prepare,
  restore,
  testHost,
} from './restore-swap.ts'

before(prepare)
after(cleanUp)

const context = testHost.context()
const journal = (): Promise<RestoreJournal | undefined> => unfinishedJournal('portal', context.records)

/** Goes forward if it may; where it may not, it must say so, and giving up must work. */
async function resume(cutOff: RestoreJournal): Promise<void> {
  const reader = await (await testHost.repository()).open(POINT, [pair], context)
  if (canContinue(cutOff)) {
    await resumeRestore(appOf(), reader, cutOff, context)
    return await assertCaptured()
  }
  await assert.rejects(resumeRestore(appOf(), reader, cutOff, context), { kind: 'refused' })
  await abandon(cutOff)
}

/** Where writers may have been in the restored data, it is kept aside. */
async function abandon(cutOff: RestoreJournal): Promise<void> {
  await abandonRestore(appOf(), cutOff, context)
  await (cutOff.stage === 'reopening' ? assertUndone() : assertWholeBefore(true))
}

/** A journal whose last entry cannot be confirmed makes a failure of a restore, which then says what is live. */
function toldOfRestored(ended: Ended<RestoreReport>): boolean {
  return 'result' in ended ? ended.result.outcome === 'done' : /the restored data is live/.test(String(ended.error))
}

/**
 * What dies after one effect leaves what a death before the next one leaves, so that between the two, each world is
 * recovered in both ways.
 */
async function recover({ death, ended }: Crash<RestoreReport>): Promise<void> {
  await assertSomethingWhole()
  const cutOff = await journal()
  if (cutOff !== undefined) await (death === 'before' ? resume(cutOff) : abandon(cutOff))
  else if (ended !== 'dead') await (toldOfRestored(ended) ? assertCaptured() : assertWholeBefore(true))
  assert.equal(await journal(), undefined)
}

test('a restore over live data that dies anywhere can be finished or given up', { timeout: 600_000 }, async (t) => {
  await crashEverywhere<void, RestoreReport>(t, {
    fresh: () => freshWorld(true),
    // All with HOLDFAST_SOAK=1.
    halvedFrom: 0,
    run: (_, effects) => restore(effects),
    recover: (_, crash) => recover(crash),
  })
})
