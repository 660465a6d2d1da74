import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Safety, SafetyReason, SafetyState } from '../../core/safety/safety.ts'
import type { Ending } from '../ending.ts'
import { endingOf, lineOf } from './status.ts'

const app = (state: SafetyState, level: SafetyReason['level'] = 'risk'): Safety => ({
  app: 'portal',
  state,
  reasons: [{ code: 'damaged', level, message: 'it is' }],
  nextStep: undefined,
})

test('status ends with the kind of the worst app, whichever comes first', () => {
  const endings: readonly (readonly [SafetyState, Ending])[] = [
    ['proven', 'done'],
    ['unproven', 'incomplete'],
    ['unknown', 'unreachable'],
    ['at risk', 'refused'],
    ['unprotected', 'refused'],
  ]
  for (const [state, ending] of endings) assert.equal(endingOf([app(state)]), ending, state)
  const rising = [app('proven'), app('unproven'), app('unknown'), app('at risk'), app('unknown', 'damage')]
  for (const [count, ending] of (['done', 'incomplete', 'unreachable', 'refused', 'corrupt'] as const).entries())
    for (const apps of [rising.slice(0, count + 1), rising.slice(0, count + 1).reverse()])
      assert.equal(endingOf(apps), ending)
})

test('an app is one line, also where its last backup failed with several lines of a program', () => {
  const message = 'the last backup failed: pg_dump failed: exit code 1\npg_dump: error: one\r\npg_dump: detail: two\n'
  const line = lineOf(
    { ...app('at risk'), reasons: [{ code: 'run-failed', level: 'risk', message }], nextStep: 'Run it.' },
    8,
  )
  const told = 'exit code 1 | pg_dump: error: one | pg_dump: detail: two'
  assert.equal(line, `portal    AT RISK      the last backup failed: pg_dump failed: ${told} -> Run it.`)
})
