import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatFindings, withoutWarnings } from './findings.ts'

test('what several parts of a run come upon is said once, with its next step below', () => {
  const finding = {
    level: 'warning',
    subject: 'client tools',
    message: 'are old',
    hint: 'Install newer ones.',
  } as const
  const other = { ...finding, subject: 'server' }
  assert.equal(
    formatFindings([finding, other, { ...finding }]),
    [
      '  warning   client tools: are old',
      '            Install newer ones.',
      '  warning   server: are old',
      '            Install newer ones.',
    ].join('\n'),
  )
})

test('--quiet leaves out warnings, and nothing that went wrong', () => {
  const [warning, error] = (['warning', 'error'] as const).map((level) => ({ level, subject: 'a', message: 'b' }))
  assert.ok(warning !== undefined && error !== undefined)
  assert.deepEqual(withoutWarnings([warning, error], undefined), [warning, error])
  assert.deepEqual(withoutWarnings([warning, error], true), [error])
})
