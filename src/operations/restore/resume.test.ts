import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFinished, restoreStages } from './journal.ts'
import { canContinue, nextStepFor } from './next-step.ts'
import { plannedJournal } from '../testing/planned-journal.ts'

const journal = plannedJournal

test('--continue is advised exactly where it is taken, and --abandon always', () => {
  for (const mode of ['swap', 'in-place'] as const)
    for (const stage of restoreStages.filter((one) => !isFinished(one))) {
      const advice = nextStepFor({ ...journal, mode, stage })
      assert.equal(
        advice.includes('--continue'),
        canContinue({ ...journal, mode, stage }),
        `${mode} ${stage}: ${advice}`,
      )
      assert.match(advice, /--abandon/, `${mode} ${stage}`)
    }
})

test('what is said of the live data is what is true of it', () => {
  assert.match(nextStepFor({ ...journal, stage: 'loading' }), /The live data is as before\.$/)
  assert.match(nextStepFor({ ...journal, mode: 'in-place', stage: 'loading' }), /may be a mixture of before and after/)
  assert.match(nextStepFor({ ...journal, stage: 'undoing' }), /^Finish it with holdfast undo portal, /)
})

test('the way on names the place of the restore', () => {
  const elsewhere = { ...journal, into: { database: { database: 'copy' } } }
  const place = 'holdfast restore portal --into database.database=copy'
  assert.ok(nextStepFor({ ...elsewhere, stage: 'staged' }).startsWith(`Finish it with ${place} --continue,`))
  assert.equal(
    nextStepFor({ ...elsewhere, stage: 'undoing' }),
    `Finish it with holdfast undo portal --restore abcdef01, or run ${place} --abandon.`,
  )
})
