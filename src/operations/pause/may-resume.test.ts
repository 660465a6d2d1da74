import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restoreStages, type RestoreJournal, type RestoreStage } from '../restore/journal.ts'
import { mayBeMixed, mayResume, type PauseFacts } from './may-resume.ts'
import type { PauseRecord } from './record.ts'

const record: PauseRecord = {
  format: 1,
  app: 'portal',
  operation: 'restore',
  id: 'abcdef01',
  owner: null,
  since: '2026-01-01T00:00:00Z',
  workloads: ['web'],
  live: 'before',
  components: ['database'],
  mixed: [],
  safetyPoint: 'safe',
}
const planned = { id: '1', since: '2026-01-01T00:00:00Z', reason: 'migration' }

function unfinished(stage: RestoreStage, mode: RestoreJournal['mode'] = 'swap'): RestoreJournal {
  const { app, since: started, safetyPoint } = record
  const times = { started, updated: started }
  return {
    format: 1,
    restoreId: record.id,
    app,
    point: '0',
    repository: 'r',
    mode,
    components: [],
    stage,
    safetyPoint,
    ...times,
  }
}

const quiet: PauseFacts = {
  isRunning: false,
  unfinished: undefined,
  isAsked: false,
  now: Date.parse('2026-01-01T01:00:00Z'),
}
type Because = 'it may' | 'it runs' | 'unfinished' | 'unsure' | 'planned'

function answer(change: Partial<PauseRecord>, facts: Partial<PauseFacts> = {}): Because {
  const given = mayResume({ ...record, ...change }, { ...quiet, ...facts })
  return given.may ? 'it may' : given.because
}

/** What is live of `database`, what earlier operations left as a mixture, and what may be mixed by both. */
const data: readonly [PauseRecord['live'], readonly string[], readonly string[]][] = [
  ['before', [], []],
  ['restored', [], []],
  ['unsure', [], ['database']],
  // An operation that stopped and changed nothing repairs nothing.
  ['before', ['database'], ['database']],
  ['restored', ['database'], []],
  // Whole data of one component says nothing of another.
  ['restored', ['database', 'files'], ['files']],
  ['unsure', ['files'], ['files', 'database']],
]

test('no app is down on whole data, and none is up on data that may be mixed', () => {
  for (const [live, mixed, expected] of data) {
    const change = { live, mixed: [...mixed] }
    const where = JSON.stringify(change)
    assert.deepEqual(mayBeMixed({ ...record, ...change }), expected, where)
    for (const isAsked of [true, false])
      assert.equal(answer(change, { isAsked }), expected.length === 0 ? 'it may' : 'unsure', where)
  }
})

test('a restore that is unfinished and has touched what is live keeps the app down, whatever the data', () => {
  const harmless = { swap: ['planned', 'loading', 'staged'], 'in-place': ['planned'] }
  for (const mode of ['swap', 'in-place'] as const)
    for (const stage of restoreStages.filter((one) => !['done', 'abandoned', 'undone'].includes(one)))
      for (const live of ['before', 'restored'] as const) {
        const expected = harmless[mode].includes(stage) ? 'it may' : 'unfinished'
        assert.equal(answer({ live }, { unfinished: unfinished(stage, mode) }), expected, `${mode} ${stage}`)
      }
})

test('each refusal names the way on', () => {
  const hint = (change: Partial<PauseRecord>, facts: Partial<PauseFacts> = {}): string => {
    const given = mayResume({ ...record, ...change }, { ...quiet, ...facts })
    return given.may ? '' : given.hint
  }
  assert.match(hint({ live: 'unsure' }), /--target in-place --at safe/)
  assert.match(hint({ live: 'unsure', safetyPoint: null }), /no safety point/)
  assert.match(hint({ live: 'unsure', operation: 'undo' }), /holdfast undo portal/)
  assert.match(hint({}, { unfinished: unfinished('swapping') }), /--continue/)
  assert.doesNotMatch(hint({}, { unfinished: unfinished('loading', 'in-place') }), /--continue/)
  assert.match(hint({}, { unfinished: unfinished('undoing') }), /holdfast undo portal/)
  assert.match(hint({ planned }), /holdfast resume portal/)
})

test('what runs now ends its pause itself, and only a person ends what a person began', () => {
  assert.equal(answer({}, { isRunning: true, isAsked: true }), 'it runs')
  assert.equal(answer({ planned }), 'planned')
  assert.equal(answer({ planned }, { isAsked: true }), 'it may')
  assert.equal(answer({ planned, live: 'unsure' }, { isAsked: true }), 'unsure')
})

test('a pause for a time ends at its end, and never over data that may be mixed', () => {
  const [over, ahead] = ['2026-01-01T01:00:00Z', '2026-01-01T01:00:01Z']
  assert.equal(answer({ planned: { ...planned, until: over } }), 'it may')
  assert.equal(answer({ planned: { ...planned, until: ahead } }), 'planned')
  assert.equal(answer({ planned: { ...planned, until: over }, live: 'unsure' }), 'unsure')
  assert.equal(answer({ planned: { ...planned, until: over } }, { isRunning: true }), 'it runs')
})
