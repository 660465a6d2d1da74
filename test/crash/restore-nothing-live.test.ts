import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { unfinishedJournal, type RestoreJournal } from '../../src/operations/restore/journal.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import { abandonRestore, goesForward, resumeRestore } from '../../src/operations/restore/resume.ts'
import { pair } from '../../src/operations/testing/workshop.ts'
import { crashEverywhere } from './matrix.ts'
import {
  appOf,
  assertCaptured,
  assertWholeBefore,
  cleanUp,
  freshWorld,
  POINT,
  prepare,
  restore,
  workshop,
} from './restore-swap.ts'

before(prepare)
after(cleanUp)

const context = workshop.context()
const journal = (): Promise<RestoreJournal | undefined> => unfinishedJournal('portal', context.records)

test(
  'a restore where nothing was live that dies anywhere can be finished, and given up until it is live',
  { timeout: 600_000 },
  async (t) => {
    await crashEverywhere<void, RestoreReport>(t, {
      fresh: () => freshWorld(false),
      run: (_, effects) => restore(effects),
      async recover(_, { death }) {
        const cutOff = await journal()
        if (cutOff === undefined) return
        if (death !== 'before') {
          const given = await abandonRestore(appOf(), cutOff, context).catch((error: unknown) => error)
          if (!(given instanceof Error)) return await assertWholeBefore(false)
          assert.ok(isFailure(given, 'refused'), String(given))
        }
        await resumeOrAbandonNothing(cutOff)
      },
    })
  },
)

/** There is no older data to go back to: what is live stays live, and going forward is the way out. */
async function resumeOrAbandonNothing(cutOff: RestoreJournal): Promise<void> {
  if (!goesForward(cutOff)) {
    await abandonRestore(appOf(), cutOff, context)
    return await assertWholeBefore(false)
  }
  const reader = await (await workshop.repository()).open(POINT, [pair], context)
  await resumeRestore(appOf(), reader, cutOff, context)
  await assertCaptured()
}
