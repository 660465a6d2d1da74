import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { spaceFinding, requireRoom } from './preflight-disk.ts'

test('too little room is an error, exactly enough is not', () => {
  assert.equal(spaceFinding(1000n, 999n).level, 'error')
  assert.equal(spaceFinding(1000n, 1000n).level, 'ok')
})

test('what has no room is refused before it is loaded', async () => {
  await requireRoom(tmpdir(), 1000)
  await assert.rejects(requireRoom(tmpdir(), 1e18), { kind: 'refused', message: /not enough room in .* GB needed/ })
})
