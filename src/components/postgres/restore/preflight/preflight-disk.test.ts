import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { chooseInPlace, spaceFinding, requireRoom } from './preflight-disk.ts'

test('too little room is an error, exactly enough is not', () => {
  assert.equal(spaceFinding(1000n, 999n).level, 'error')
  assert.equal(spaceFinding(1000n, 1000n).level, 'ok')
})

test('in place drops first where old and new do not fit at once, and only then counts what is live as room', () => {
  const room = (free: bigint, lanes: boolean): string => {
    const { finding, dropsFirst } = chooseInPlace({ needed: 1000n, free, live: 600n, lanes })
    return `${finding.level} ${dropsFirst}`
  }
  assert.equal(room(1000n, false), 'ok false')
  assert.equal(room(999n, false), 'warning true')
  assert.equal(room(399n, false), 'error true')
  assert.equal(room(400n, true), 'ok true')
  assert.equal(room(399n, true), 'error true')
})

test('what has no room is refused before it is loaded', async () => {
  await requireRoom(tmpdir(), 1000)
  await assert.rejects(requireRoom(tmpdir(), 1e18), { kind: 'refused', message: /not enough room in .* GB needed/ })
})
