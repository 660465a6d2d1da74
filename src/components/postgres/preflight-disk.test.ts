import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spaceFinding } from './preflight-disk.ts'

test('too little room is an error, exactly enough is not', () => {
  assert.equal(spaceFinding(1000n, 999n).level, 'error')
  assert.equal(spaceFinding(1000n, 1000n).level, 'ok')
})
