import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isFailure } from '../../src/core/failure.ts'
import { unfinishedJournal, type RestoreJournal } from '../../src/operations/restore/journal.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import { abandonRestore, goesForward, resumeRestore } from '../../src/operations/restore/resume.ts'
import { pair } from '../../src/operations/testing/workshop.ts'
import { crashEverywhere, type Crash } from './matrix.ts'
import {
  appOf,
  assertCaptured,
  assertSomethingWhole,
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

/** Goes forward if it may; where it may not, it must say so, and giving up must work. */
async function resume(cutOff: RestoreJournal): Promise<void> {
  const reader = await (await workshop.repository()).open(POINT, [pair], context)
  if (goesForward(cutOff)) {
    await resumeRestore(appOf(), reader, cutOff, context)
    return await assertCaptured()
  }
  await assert.rejects(resumeRestore(appOf(), reader, cutOff, context), { kind: 'refused' })
  await abandon(cutOff)
}

async function abandon(cutOff: RestoreJournal): Promise<void> {
  await abandonRestore(appOf(), cutOff, context)
  await assertWholeBefore(true)
}

/**
 * What dies after one effect leaves what a death before the next one leaves, so that between the two, each world is
 * recovered in both ways.
 */
async function recover({ death, ended }: Crash<RestoreReport>): Promise<void> {
  await assertSomethingWhole()
  const cutOff = await journal()
  if (cutOff !== undefined) await (death === 'before' ? resume(cutOff) : abandon(cutOff))
  else if (ended !== 'dead' && 'result' in ended && ended.result.outcome === 'done') await assertCaptured()
  else if (ended !== 'dead') await assertWholeBefore(true)
  assert.equal(await journal(), undefined)
}

test('a restore over live data that dies anywhere can be finished or given up', { timeout: 600_000 }, async (t) => {
  await crashEverywhere<void, RestoreReport>(t, {
    fresh: () => freshWorld(true),
    run: (_, effects) => restore(effects),
    recover: (_, crash) => recover(crash),
  })
})

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
