import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../core/failure.ts'
import { context } from '../testing/stage.ts'
import type { RestoreTarget, TargetState } from '../target.ts'
import { retainedCopies } from './retained-copies.ts'
import type { SwapStage } from './stages.ts'
import type { FoundSwap, ValueKind, ValueStore } from './value-store.ts'
import { valueSwapTarget } from './value-swap-target.ts'

type Does = 'loads' | 'swaps' | 'goes on' | 'goes back' | 'takes back' | 'removes' | 'nothing' | 'refuses'

/** At each stage: the state, and what load, swap, reopen, discard, undo and forget do. */
const stages: Readonly<Record<SwapStage, readonly [TargetState, Does, Does, Does, Does, Does, Does]>> = {
  loading: ['staged', 'loads', 'refuses', 'nothing', 'removes', 'refuses', 'refuses'],
  loaded: ['staged', 'loads', 'swaps', 'nothing', 'removes', 'refuses', 'refuses'],
  saving: ['staged', 'loads', 'swaps', 'nothing', 'removes', 'refuses', 'refuses'],
  swapping: ['fenced', 'refuses', 'goes on', 'goes back', 'goes back', 'goes back', 'refuses'],
  swapped: ['swapped', 'refuses', 'removes', 'nothing', 'nothing', 'goes back', 'removes'],
  undoing: ['fenced', 'refuses', 'refuses', 'goes back', 'goes back', 'goes back', 'refuses'],
  undone: ['untouched', 'refuses', 'refuses', 'nothing', 'nothing', 'nothing', 'removes'],
}
// The record above has every stage, and nothing but stages.
const all = Object.entries(stages) as [SwapStage, (typeof stages)[SwapStage]][]

/** All that a store was asked to do, in order. */
const done: Readonly<Record<Does, readonly string[]>> = {
  loads: ['loading', 'keep', 'loaded'],
  swaps: ['retain', 'swapping', 'forward', 'swapped', 'remove loaded'],
  'goes on': ['forward', 'swapped', 'remove loaded'],
  'goes back': ['retain', 'undoing', 'back', 'undone'],
  'takes back': ['take back', 'loaded'],
  removes: ['remove'],
  nothing: [],
  refuses: [],
}

const acts: readonly ((target: RestoreTarget) => Promise<void>)[] = [
  (target) => target.load({}, { roles: [], sizeOf: () => 0, read: () => assert.fail('nothing is read') }, context),
  (target) => target.swap({}, context),
  (target) => target.reopen(context),
  (target) => target.discard(context),
  (target) => target.undo(context),
  (target) => target.forget(context),
]

/** A restore that stands at a stage, in a store that notes what it is asked to do. */
function standingAt(
  stage: SwapStage | undefined,
  more: Partial<ValueKind<unknown, FoundSwap>> & Pick<Partial<ValueStore<unknown, FoundSwap>>, 'compareLive'> = {},
  takesBack = false,
): { readonly target: RestoreTarget; readonly log: string[] } {
  const log: string[] = []
  const place: FoundSwap['stage'] = {
    save: async (record) => {
      log.push(record.stage)
      found = { record, stage: place }
    },
    remove: async () => void log.push('remove'),
  }
  const at = (one: SwapStage): FoundSwap => ({ record: { stage: one, since: '' }, stage: place })
  let found = stage === undefined ? undefined : at(stage)
  const change = (name: string): ReturnType<ValueStore<unknown, FoundSwap>['back']> =>
    Promise.resolve({
      retain: async () => (log.push('retain'), {}),
      apply: async () => void log.push(name),
    })
  const store: ValueStore<unknown, FoundSwap> = {
    find: () => Promise.resolve(found),
    load: async () => ({ found: at('loading'), keep: async () => (log.push('keep'), {}) }),
    compareLoaded: async () => [{ subject: 'loaded', expected: '', found: '' }],
    forward: () => change('forward'),
    back: () => change('back'),
    removeLoaded: async () => void log.push('remove loaded'),
    ...(more.compareLive === undefined ? {} : { compareLive: more.compareLive }),
    ...(takesBack
      ? { takeBack: async () => (log.push('take back'), await place.save({ stage: 'loaded', since: '' })) }
      : {}),
  }
  const target = valueSwapTarget({
    description: 'values of a store',
    confirmation: 'store',
    whyNotRetained: 'Nobody knows why.',
    preflight: () => Promise.resolve([]),
    connect: (_context, act) => act(store),
    ...more,
  })
  return { target, log }
}

async function didAt(stage: SwapStage | undefined, index: number, ...more: [{ notesSaving?: boolean }, boolean] | []) {
  const [kind = {}, takesBack = false] = more
  const { target, log } = standingAt(stage, kind, takesBack)
  try {
    await acts[index]?.(target)
  } catch (error) {
    assert.ok(isFailure(error, 'refused'), String(error))
    if (stage !== undefined) assert.equal(error.message, `the restore of values of a store is ${stage}`)
    return [...log, 'refused']
  }
  return log
}

for (const [stage, [state, ...does]] of all)
  test(`at ${stage} a restore is ${state} and each act does what the table says`, async () => {
    assert.equal(await standingAt(stage).target.state(context), state)
    for (const [index, what] of does.entries()) {
      const expected = what === 'refuses' ? ['refused'] : done[what]
      // A swap that was made removes only what it brought.
      const exact = stage === 'swapped' && index === 1 ? ['remove loaded'] : expected
      const begun = stage === 'undoing' && what === 'goes back' ? exact.slice(2) : exact
      assert.deepEqual(await didAt(stage, index), begun, `${what}, act ${index}`)
    }
  })

test('of what nobody restored swap and undo are refused, and the rest does nothing', async () => {
  assert.equal(await standingAt(undefined).target.state(context), 'untouched')
  const seen = await Promise.all(acts.map((_act, index) => didAt(undefined, index)))
  assert.deepEqual(seen, [done.loads, ['refused'], [], [], ['refused'], []])
})

test('a kind that takes back does so out of the middle of a swap only, and refuses an undo there', async () => {
  assert.deepEqual(await didAt('swapping', 2, {}, true), done['takes back'])
  assert.deepEqual(await didAt('swapping', 3, {}, true), [...done['takes back'], 'remove'])
  assert.deepEqual(await didAt('swapping', 4, {}, true), ['refused'])
  assert.deepEqual(await didAt('undoing', 2, {}, true), done['goes back'].slice(2))
  assert.deepEqual(await didAt('swapped', 4, {}, true), done['goes back'])
})

test('a kind that notes it says that it is saving, before a swap and not in the middle of one', async () => {
  assert.deepEqual(await didAt('loaded', 1, { notesSaving: true }, false), ['saving', ...done.swaps])
  assert.deepEqual(await didAt('swapping', 1, { notesSaving: true }, false), done['goes on'])
})

test('after a swap what is live is compared where the kind can', async () => {
  const compare = async (stage: SwapStage, compareLive?: () => Promise<never[]>): Promise<number> =>
    (await standingAt(stage, compareLive === undefined ? {} : { compareLive }).target.compare({}, context)).length
  const live = (): Promise<never[]> => Promise.resolve([])
  assert.deepEqual([await compare('swapped', live), await compare('loaded', live), await compare('swapped')], [0, 1, 1])
})

test('what is retained is told from the last stage on, newest first, and says whether an undo set it aside', () => {
  const at = (stage: SwapStage, since: string) => ({ restoreId: stage, record: { stage, since }, values: 'values' })
  const kept = all.map(([stage]) => at(stage, '2026-11-22T03:00:00.000Z'))
  const copies = retainedCopies([...kept, at('swapped', '2026-11-23T03:00:00.000Z')], { keepPreviousHours: 72 })
  const times = { since: new Date('2026-11-22T03:00:00Z'), until: new Date('2026-11-25T03:00:00Z') }
  assert.deepEqual(copies.slice(1), [
    { restoreId: 'swapped', description: 'values from before the restore', ...times },
    { restoreId: 'undone', description: 'values from before an undo', ...times },
  ])
  assert.deepEqual(copies[0]?.since, new Date('2026-11-23T03:00:00Z'))
})
