import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeBytes } from './free-bytes.ts'

test('bytes that are a buffer of their own are given back', () => {
  const bytes = new Uint8Array(100_000)
  freeBytes(bytes)
  assert.equal(bytes.length, 0)
})

test('bytes that are a part of a larger buffer stay, wherever in it they are', () => {
  const whole = new Uint8Array(100_000).fill(7)
  for (const part of [whole.subarray(0, 50_000), whole.subarray(1), whole.subarray(99_000)]) freeBytes(part)
  assert.equal(whole.length, 100_000)
  const small = Buffer.from('from the pool that all small buffers share')
  freeBytes(small)
  assert.equal(String(small), 'from the pool that all small buffers share')
})
