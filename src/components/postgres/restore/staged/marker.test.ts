import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMarker, parseMarker, plainComment } from './marker.ts'
import type { MarkerBody } from './marker.ts'

const at = '2026-11-22T02:00:00.000Z'
const until = '2026-11-25T02:00:00.000Z'
const bodies: readonly MarkerBody[] = [
  { role: 'side', database: 'app', at, loaded: false },
  { role: 'previous', database: `it's "odd"\n漢`, at, until, comment: `quotes ' " and\nlines` },
  { role: 'undone', database: 'app', at, until },
  { role: 'restored', database: 'app', at, until, comment: null },
  { role: 'in-place', database: 'app', at, loaded: true, comment: null, connectionLimit: 20 },
]

for (const body of bodies) {
  test(`a marker of a ${body.role} database is read as it was written`, () => {
    assert.deepEqual(parseMarker(formatMarker('1a2b3c4d', body)), { ...body, restoreId: '1a2b3c4d' })
  })
}

test('what somebody else wrote is no marker', () => {
  const previous = formatMarker('1a2b3c4d', { role: 'previous', database: 'app', at, until, comment: null })
  const others = [
    null,
    '',
    'our database',
    'holdfast restore',
    `x${previous}`,
    `${previous}x`,
    previous.replace('previous', 'other'),
    previous.replace(at, 'today'),
  ]
  for (const comment of others) assert.equal(parseMarker(comment), undefined, String(comment))
})

test('the comment that a database had is found in its marker', () => {
  assert.equal(plainComment('users'), 'users')
  assert.equal(plainComment(null), null)
  assert.equal(
    plainComment(formatMarker('1a2b3c4d', { role: 'previous', database: 'app', at, until, comment: 'users' })),
    'users',
  )
  assert.equal(plainComment(formatMarker('1a2b3c4d', { role: 'side', database: 'app', at, loaded: true })), null)
})
