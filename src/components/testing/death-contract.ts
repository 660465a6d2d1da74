import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crashEverywhere, type Crash } from '../../../test/crash/matrix.ts'
import type { Death, EffectAt } from '../../../test/parts/dying-effects.ts'
import type { Effects } from '../../core/ports.ts'
import type { RestoreTarget } from '../target.ts'
import type { ContractTests } from './contract.ts'
import { CAPTURED, context, contextWith, LIVE, RESTORE_ID, type Stage } from './stage.ts'

type Way = 'forward' | 'back'

/** The process dies at each effect of each act. Another one, which knows only the world, finishes it or takes it back. */
export function deathContract<Settings, Details>(tests: ContractTests<Settings, Details>): void {
  const { modes, dear, locks } = tests
  if (modes.includes('swap')) {
    for (const way of dear === true ? (['either'] as const) : (['forward', 'back'] as const))
      dying(tests, `a restore by swap that dies anywhere is finished or taken back: ${way}`, {
        run: (stage, effects) => stage.restore(contextWith(effects)),
        recover: async (stage, { death }) => {
          await assertOldOrNew(stage, locks)
          await recovers[way === 'either' ? (death === 'after' ? 'back' : 'forward') : way](stage)
        },
      })
    dying(tests, 'a discard that dies anywhere is made again', {
      prepare: async (stage) => stage.load(await stage.open()),
      run: async (stage, effects) => (await stage.open()).discard(contextWith(effects)),
      recover: async (stage) => {
        const target = await stage.open()
        await target.discard(context)
        await stage.assertIs(target, 'untouched', LIVE)
        await stage.assertClean(LIVE)
      },
    })
    dying(tests, 'an undo that dies anywhere is made again', { prepare: restored, run: undo, recover: undoAgain })
    dying(tests, 'a forgetting that dies anywhere is made again', {
      prepare: restored,
      run: forget,
      recover: forgetAgain,
    })
  }
  if (modes.includes('in-place'))
    dying(tests, 'a restore in place that dies anywhere is made again', {
      run: (stage, effects) => overwrite(stage, effects),
      recover: async (stage) => {
        const target = await overwrite(stage)
        await target.forget(context)
        await stage.assertClean(CAPTURED)
      },
    })
  if (modes.includes('scratch'))
    dying(tests, 'a scratch restore that dies anywhere is thrown away or made again', {
      run: (stage, effects) => stage.drill(contextWith(effects)),
      // Each may start a server.
      deathsAt: () => (dear === true ? ['after'] : ['after', 'lost']),
      ...(dear === true ? { choose: fewOf } : {}),
      recover: async (stage, { death }) => {
        if (death === 'after') await stage.drill()
        else await (await stage.open('scratch')).discard(context)
        await stage.assertClean(LIVE)
      },
    })
}

/** The first, one in the middle and the last. */
export function fewOf(seen: readonly EffectAt[]): readonly EffectAt[] {
  return seen.filter((_at, index) => [0, seen.length >> 1, seen.length - 1].includes(index))
}

interface Dying<Settings, Details> {
  readonly prepare?: (stage: Stage<Settings, Details>) => Promise<unknown>
  readonly run: (stage: Stage<Settings, Details>, effects: Effects) => Promise<unknown>
  readonly recover: (stage: Stage<Settings, Details>, crash: Crash<unknown>) => Promise<void>
  readonly deathsAt?: () => readonly Death[]
  readonly choose?: typeof fewOf
}

function dying<Settings, Details>(
  { fresh, dear, halved }: ContractTests<Settings, Details>,
  name: string,
  { prepare, run, recover, ...where }: Dying<Settings, Details>,
): void {
  void test(name, { timeout: 900_000 }, async (t) => {
    await crashEverywhere<Stage<Settings, Details>, unknown>(t, {
      fresh: async () => {
        const stage = await fresh()
        await prepare?.(stage)
        return stage
      },
      run,
      recover,
      close: (stage) => stage.close(),
      ...(dear === true ? { deathsAt: () => ['before', 'after'] } : {}),
      ...(halved === true && where.choose === undefined ? { halvedFrom: 0 } : {}),
      ...where,
    })
  })
}

/** What the state says is live, is: whole, and nothing else. What is locked cannot be read. */
async function assertOldOrNew<Settings, Details>(stage: Stage<Settings, Details>, locks: boolean): Promise<void> {
  const state = await (await stage.open()).state(context)
  if (state === 'fenced' || (state === 'swapped' && locks)) return
  assert.equal(await stage.subject.read(), state === 'swapped' ? CAPTURED : LIVE, `live where the state is ${state}`)
}

/** What a later run does, going by nothing but the state. */
export const recovers: Readonly<Record<Way, <Settings, Details>(stage: Stage<Settings, Details>) => Promise<void>>> = {
  async forward(stage) {
    const target = await stage.open()
    const state = await target.state(context)
    if (state === 'untouched' || state === 'staged') await stage.load(target)
    await target.fence(context)
    await target.swap(stage.point.details, context)
    await target.reopen(context)
    await stage.assertIs(target, 'swapped', CAPTURED)
    // Once: what was set aside before the death is not set aside again.
    assert.deepEqual(await stage.retainedIds(), [RESTORE_ID])
    await target.undo(context)
    await target.reopen(context)
    assert.deepEqual(await stage.retainedIds(), [RESTORE_ID])
    await target.forget(context)
    await stage.assertClean(LIVE)
  },
  async back(stage) {
    const target = await stage.open()
    const swapped = (await target.state(context)) === 'swapped'
    if (swapped) await target.undo(context)
    await target.reopen(context)
    if (swapped) await target.forget(context)
    await target.discard(context)
    await stage.assertIs(target, 'untouched', LIVE)
    // What half a swap had brought may be kept aside, as after an undo.
    await target.forget(context)
    await stage.assertClean(LIVE)
  },
}

async function restored<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  await stage.restore()
}

async function undo<Settings, Details>(stage: Stage<Settings, Details>, effects: Effects): Promise<void> {
  await (await stage.open()).undo(contextWith(effects))
}

async function undoAgain<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  const target = await stage.open()
  await target.undo(context)
  await target.reopen(context)
  await stage.assertIs(target, 'untouched', LIVE)
  assert.deepEqual(await stage.retainedIds(), [RESTORE_ID])
  await target.forget(context)
  await stage.assertClean(LIVE)
}

async function forget<Settings, Details>(stage: Stage<Settings, Details>, effects: Effects): Promise<void> {
  await (await stage.open()).forget(contextWith(effects))
}

async function forgetAgain<Settings, Details>(stage: Stage<Settings, Details>): Promise<void> {
  const target = await stage.open()
  await target.forget(context)
  await stage.assertIs(target, 'untouched', CAPTURED)
  await stage.assertClean(CAPTURED)
}

async function overwrite<Settings, Details>(
  stage: Stage<Settings, Details>,
  effects: Effects = context.effects,
): Promise<RestoreTarget<Details>> {
  const given = contextWith(effects)
  const target = await stage.open('in-place')
  await target.fence(given)
  await stage.load(target, given)
  assert.deepEqual(await stage.compare(target), [])
  await target.reopen(given)
  return target
}
