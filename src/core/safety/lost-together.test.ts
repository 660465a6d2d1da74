import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lostTogether, type NamedDomain, type FailureDomain } from './lost-together.ts'
import { secondWriter } from './second-writer.ts'

const here = { disk: '1', host: 'here' }
const named = (place: FailureDomain, name = 'it'): NamedDomain => ({ name, place })

test('all copies on the disk, the host or in the cluster of the app are lost with it', () => {
  assert.equal(lostTogether([named(here)], [named(here)])?.level, 'disk')
  assert.equal(lostTogether([named(here)], [named({ disk: '2', host: 'here' }), named(here)])?.level, 'host')
  assert.equal(lostTogether([named({ cluster: 'k' })], [named({ cluster: 'k' })])?.level, 'cluster')
  assert.equal(lostTogether([named({}, 'database'), named(here, 'files')], [named(here)])?.component, 'files')
})

test('one copy elsewhere is enough, and what is not known is elsewhere', () => {
  assert.equal(lostTogether([named(here)], [named(here), named({})]), undefined)
  assert.equal(lostTogether([named({})], [named({})]), undefined)
  assert.equal(lostTogether([named({ host: 'there' })], [named(here)]), undefined)
  assert.equal(lostTogether([named(here)], []), undefined)
})

test('two that take turns are two writers, and one that takes over is not', () => {
  assert.equal(secondWriter(['a', 'a', 'b', 'a']), 'b')
  assert.equal(secondWriter(['a', 'b', 'c', 'b']), 'c')
  assert.equal(secondWriter(['a', 'a', 'b', 'b']), undefined)
  assert.equal(secondWriter(['a', 'b', 'c']), undefined)
  assert.equal(secondWriter([]), undefined)
})
