import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labelStatements } from './security-labels.ts'

test('security labels that differ are set, and those that are not wanted are taken off', () => {
  const now = [
    { provider: 'same', label: 'x' },
    { provider: 'other', label: 'old' },
    { provider: 'gone', label: 'y' },
  ]
  const wanted = [
    { provider: 'same', label: 'x' },
    { provider: 'other', label: "it's new" },
  ]
  assert.deepEqual(labelStatements('a "b"', now, wanted), [
    `security label for 'gone' on database "a ""b""" is null`,
    `security label for 'other' on database "a ""b""" is 'it''s new'`,
  ])
})
