import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdsFile } from './holds-file.ts'

const keys = { path: '/etc/certctl', exclude: ['cache', '*.tmp'] }

test('a file below the folder is held, unless it or a folder above it is excluded', () => {
  for (const file of ['/etc/certctl/ca.key', '/etc/certctl/a/b/ca.key']) assert.equal(holdsFile(keys, file), true, file)
  for (const file of ['/etc/certctl2/ca.key', '/etc/ca.key', '/etc/certctl/cache/ca.key', '/etc/certctl/a/ca.tmp'])
    assert.equal(holdsFile(keys, file), false, file)
})

test('with include, only what matches is held', () => {
  const some = { path: '/etc/certctl', include: ['tls', '*.crt'], exclude: [] }
  assert.equal(holdsFile(some, '/etc/certctl/tls/ca.key'), true)
  assert.equal(holdsFile(some, '/etc/certctl/ca.crt'), true)
  assert.equal(holdsFile(some, '/etc/certctl/ca.key'), false)
})
