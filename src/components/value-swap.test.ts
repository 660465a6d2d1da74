import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../core/failure.ts'
import type { TargetState } from './target.ts'
import { discardLoaded, forgetRetained, isKept, keptSince, requireLoadable, stateOf } from './value-swap.ts'

type Stage = Parameters<typeof isKept>[0]['stage']

/** At each stage: what an operation sees, whether a load starts over, and which of the two removals removes. */
const stages: Readonly<Record<Stage, readonly [TargetState, 'loads' | 'refused', 'discard' | 'forget' | 'neither']>> = {
  loading: ['staged', 'loads', 'discard'],
  loaded: ['staged', 'loads', 'discard'],
  saving: ['staged', 'loads', 'discard'],
  swapping: ['fenced', 'refused', 'neither'],
  swapped: ['swapped', 'refused', 'forget'],
  undoing: ['fenced', 'refused', 'neither'],
  undone: ['untouched', 'refused', 'forget'],
}
// The record above has every stage, and nothing but stages.
const all = Object.entries(stages) as [Stage, (typeof stages)[Stage]][]
const what = 'values of a store'

async function isRefused(stage: Stage, act: () => unknown): Promise<boolean> {
  try {
    await act()
    return false
  } catch (error) {
    assert.ok(isFailure(error, 'refused') && error.message === `the restore of ${what} is ${stage}`, String(error))
    return true
  }
}

for (const [stage, [state, load, removal]] of all)
  test(`${stage} is ${state}, a load ${load}, and ${removal} removes`, async () => {
    const removed: string[] = []
    const found = (by: string) => ({ record: { stage }, stage: { remove: async () => void removed.push(by) } })
    assert.equal(stateOf(found('')), state)
    assert.equal(await isRefused(stage, () => requireLoadable(found(''), what)), load === 'refused')
    await discardLoaded(found('discard'))
    assert.equal(await isRefused(stage, () => forgetRetained(found('forget'), what)), removal !== 'forget')
    assert.deepEqual(removed, removal === 'neither' ? [] : [removal])
    assert.equal(isKept({ stage }), removal === 'forget')
  })

test('of what nobody restored nothing is refused and nothing removed', async () => {
  assert.equal(stateOf(undefined), 'untouched')
  requireLoadable(undefined, what)
  await discardLoaded(undefined)
  await forgetRetained(undefined, what)
})

test('what is kept is kept from the last stage on, and says whether an undo set it aside', () => {
  const kept = (stage: Stage) =>
    keptSince({ stage, since: '2026-11-22T03:00:00.000Z' }, what, { keepPreviousHours: 72 })
  const times = { since: new Date('2026-11-22T03:00:00Z'), until: new Date('2026-11-25T03:00:00Z') }
  assert.deepEqual(kept('swapped'), { description: `${what} from before the restore`, ...times })
  assert.deepEqual(kept('undone'), { description: `${what} from before an undo`, ...times })
})
