import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Proof } from '../../repository/documents/documents.ts'
import { compareDrilled, drilledContent } from './drilled-content.ts'

const KEPT = { database: 'aa', keys: 'bb' }

function proof(created: string, change: Partial<Proof> = {}): Proof {
  const named = { format: 1, repository: 'r', point: 'p', software: 's', commitSha256: 'c' } as const
  return { ...named, kind: 'drill', created, ok: true, facts: { content: KEPT }, ...change }
}

test('what counts is the oldest drill that passed and kept the content', () => {
  assert.equal(drilledContent([]), undefined)
  const failed = proof('1', { ok: false })
  const verified = proof('2', { kind: 'verify' })
  const keptNone = proof('3', { facts: { where: 'scratch' } })
  const later = proof('5', { facts: { content: { database: 'zz' } } })
  assert.equal(drilledContent([failed, verified, keptNone]), undefined)
  assert.deepEqual(drilledContent([failed, verified, keptNone, proof('4'), later]), { at: '4', content: KEPT })
})

test('other content is a difference; what only one has is none', () => {
  const earlier = { at: 'yesterday', content: KEPT }
  assert.deepEqual(compareDrilled(undefined, { database: 'zz' }), [])
  assert.deepEqual(compareDrilled(earlier, { database: 'aa' }), [])
  assert.deepEqual(compareDrilled(earlier, { files: 'zz' }), [])
  assert.deepEqual(compareDrilled(earlier, { database: 'zz', keys: 'bb' }), [
    { subject: 'database: content', expected: 'what the drill of yesterday restored', found: 'other content' },
  ])
})
