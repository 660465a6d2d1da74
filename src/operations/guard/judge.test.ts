import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TargetState } from '../../components/target.ts'
import { judge, type Found, type Judgement } from './judge.ts'

type Row = readonly [stage: Found['stage'], states: readonly TargetState[], expected: Judgement]

function assertRows(work: Found['work'], rows: readonly Row[], isAsBefore = false): void {
  for (const [stage, states, expected] of rows)
    assert.equal(judge({ work, stage, states, isAsBefore }), expected, `${work} ${stage} ${states.join(' ')}`)
}

test('a swap goes to the side that the databases have whole, whatever the journal says', () => {
  for (const stage of ['staged', 'fencing', 'swapping', 'reopening'] as const)
    assertRows('swap', [
      [stage, ['staged', 'staged'], 'let in'],
      [stage, ['staged', 'fenced'], 'let in'],
      [stage, ['swapped', 'fenced'], 'take back'],
      [stage, ['swapped', 'untouched'], 'take back'],
      [stage, ['swapped', 'swapped'], 'finish'],
    ])
})

test('without a journal nothing half swapped is taken back', () => {
  assertRows('swap', [
    [undefined, ['swapped', 'fenced'], 'leave'],
    [undefined, ['swapped'], 'finish'],
    [undefined, ['fenced'], 'let in'],
  ])
})

test('in place nothing counts as whole from the first byte until the comparison', () => {
  assertRows('in-place', [
    ['fencing', ['fenced'], 'let in'],
    ['fencing', ['swapped'], 'leave'],
    ['loading', ['fenced'], 'leave'],
    ['loading', ['swapped'], 'leave'],
    ['reopening', ['swapped'], 'finish'],
    ['reopening', ['untouched'], 'finish'],
    ['reopening', ['fenced'], 'leave'],
  ])
  assertRows('in-place', [['loading', ['fenced'], 'let in']], true)
})

test('an undo that changed nothing is none, and one that changed something is finished', () => {
  assertRows('undo', [
    ['undoing', ['swapped', 'swapped'], 'let in'],
    ['undoing', ['swapped', 'untouched'], 'undo on'],
    ['undoing', ['untouched', 'untouched'], 'undo on'],
    [undefined, ['fenced'], 'undo on'],
  ])
})
