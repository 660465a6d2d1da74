import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settled } from '../../../test/crash/matrix.ts'
import { abortingEffects, recordingEffects, type EffectAt } from '../../../test/parts/dying-effects.ts'
import { toFailure } from '../../core/failure.ts'
import { directEffects } from '../../system/effects.ts'
import type { ContractTests } from './contract.ts'
import { fewOf, recovers } from './death-contract.ts'
import { context, contextWith, LIVE, type Stage } from './stage.ts'

/** Somebody cancels: what runs ends as cancelled, and what it left is finished, made again or taken away. */
export function cancelContract<Settings, Details>(tests: ContractTests<Settings, Details>): void {
  const { modes, staged, dear } = tests
  if (modes.includes('swap')) {
    staged('cancelled before they begin, load, compare and swap end as cancelled', cancelledBefore)
    for (const way of dear === true ? (['back'] as const) : (['forward', 'back'] as const))
      cancelling(tests, `a restore by swap that is cancelled anywhere is finished or taken back: ${way}`, {
        run: (stage, given) => stage.restore(given),
        recover: recovers[way],
      })
  }
  if (modes.includes('scratch'))
    cancelling(tests, 'a scratch restore that is cancelled anywhere is thrown away', {
      run: (stage, given) => stage.drill(given),
      recover: async (stage) => {
        await (await stage.open('scratch')).discard(context)
        await stage.assertClean(LIVE)
      },
    })
}

const cancelled = contextWith(directEffects, AbortSignal.abort())

async function cancelledBefore<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  const target = await stage.open()
  await assertCancelled(stage.load(target, cancelled))
  await target.discard(context)
  await stage.assertClean(LIVE)
  await stage.load(target)
  await assertCancelled(stage.compare(target, cancelled))
  assert.deepEqual(await stage.compare(target), [])
  await target.fence(context)
  await assertCancelled(target.swap(stage.point.details, cancelled))
  await target.reopen(context)
  await stage.assertIs(target, 'staged', LIVE)
  await target.discard(context)
  await stage.assertClean(LIVE)
}

async function assertCancelled(act: Promise<unknown>): Promise<void> {
  await assert.rejects(act, isCancelled)
}

/** Callers go by the signal (`toFailureUnder`): a server may word it as a broken connection. A defect is none. */
function isCancelled(error: unknown): boolean {
  const { kind } = toFailure(error)
  return kind === 'cancelled' || kind === 'unreachable' || kind === 'toolFailed'
}

interface Cancelling<Settings, Details> {
  readonly run: (stage: Stage<Settings, Details>, given: typeof context) => Promise<unknown>
  readonly recover: (stage: Stage<Settings, Details>) => Promise<void>
}

function cancelling<Settings, Details>(
  { fresh, dear }: ContractTests<Settings, Details>,
  name: string,
  { run, recover }: Cancelling<Settings, Details>,
): void {
  const inFresh = async (act: (stage: Stage<Settings, Details>) => Promise<void>): Promise<void> => {
    const stage = await fresh()
    try {
      await act(stage)
    } finally {
      await stage.close()
    }
  }
  const cancelledAt = (at: EffectAt): Promise<void> =>
    inFresh(async (stage) => {
      const effects = abortingEffects(at)
      const ended = await settled(run(stage, contextWith(effects, effects.signal)))
      assert.ok(effects.reached(), `${at.name} (${at.occurrence}) was never reached`)
      // What was nearly over may end as if nobody had cancelled.
      if ('error' in ended) assert.ok(isCancelled(ended.error), `at ${at.name}: ${String(ended.error)}`)
      await recover(stage)
    })
  void test(name, { timeout: 900_000 }, async () => {
    const recording = recordingEffects()
    await inFresh(async (stage) => void (await run(stage, contextWith(recording))))
    for (const at of dear === true ? fewOf(recording.seen) : recording.seen) await cancelledAt(at)
  })
}
