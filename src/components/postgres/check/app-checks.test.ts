import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matches } from './app-checks.ts'

test('a value is compared as the kind of value that is expected', () => {
  assert.ok(matches('200', 200))
  assert.ok(matches(200, 200))
  assert.ok(matches('1.50', 1.5))
  assert.ok(matches(true, true))
  assert.ok(matches('x', 'x'))
  assert.ok(matches(5, '5'))
})

test('nothing else matches', () => {
  assert.ok(!matches('201', 200))
  assert.ok(!matches('', 0))
  assert.ok(!matches(null, 0))
  assert.ok(!matches(null, 'null'))
  assert.ok(!matches('true', true))
  assert.ok(!matches(1, true))
  assert.ok(!matches('x ', 'x'))
})
