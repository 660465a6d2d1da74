import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresSettings } from './schema.ts'

const isValid = (database: string): boolean =>
  postgresSettings.safeParse({ kind: 'postgres', user: 'portal', database }).success

test('a database name has at most 63 bytes, whatever its letters', () => {
  assert.ok(isValid('a'.repeat(63)))
  assert.ok(!isValid('a'.repeat(64)))
  assert.ok(isValid('é'.repeat(31)))
  assert.ok(!isValid('é'.repeat(32)), '64 bytes in 32 letters')
})
