import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newManifest } from './compose.ts'
import { manifestSchema, type ManifestKeyFit } from '../documents/documents.ts'

const id = '1'.repeat(32)
const key = { name: 'key', component: 'keys', secret: 'key' }

function written(verdict: ManifestKeyFit['results'][number]['verdict'], fingerprint: string | null): unknown {
  const result = { name: 'it', required: true, verdict, evidence: [], keys: [{ ...key, fingerprint }] }
  const keyFit = { fingerprintKey: 'AA==', results: [result] }
  const content = { components: [], missing: [], keyFit, created: new Date(0) }
  const manifest = newManifest({ id, software: 'holdfast test' }, { app: 'portal', point: id, recipients: [] }, content)
  return JSON.parse(JSON.stringify(manifest))
}

const verdictIn = (document: unknown): unknown => manifestSchema.parse(document).keyFit?.results[0]?.verdict

test('an absent key is written as what older readers know, and read as what it is', () => {
  const document = written('absent', null)
  assert.match(JSON.stringify(document), /"verdict":"not-provable"/)
  assert.equal(verdictIn(document), 'absent')
})

test('a point of an older version whose missing key was called fitting reads as absent', () => {
  assert.equal(verdictIn(written('fits', null)), 'absent')
  assert.equal(verdictIn(written('fits', 'abcd')), 'fits')
  assert.equal(verdictIn(written('does-not-fit', null)), 'does-not-fit')
})

test('a verdict of a later version is no proof, and no reason to refuse the point', () => {
  const later: unknown = JSON.parse(JSON.stringify(written('fits', 'abcd')).replace('"fits"', '"fits-by-moonlight"'))
  assert.equal(verdictIn(later), 'not-provable')
})
