import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RowCounter } from './row-counter.ts'

test('rows are lines, but for those that go on behind a backslash, wherever chunks end', () => {
  const rows = Buffer.from('a\n\\\nb\n\\\\\n\\\\\\\nc\n\n')
  for (let size = 1; size <= rows.length; size += 1) {
    const counter = new RowCounter()
    for (let at = 0; at < rows.length; at += size) counter.add(rows.subarray(at, at + size))
    // `a`, an escaped line break with `b`, two backslashes, three and `c`, nothing.
    assert.equal(counter.rows, 5, `chunks of ${size}`)
  }
})
