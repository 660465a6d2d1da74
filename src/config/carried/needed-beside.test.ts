import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storageKinds } from '../../storage/all.ts'
import { neededBeside } from './needed-beside.ts'

test('the files that a repository needs are those that its kind of storage names', () => {
  for (const { example: url, files } of storageKinds) {
    const settings = Object.fromEntries([...files, 'noFile'].map((key) => [key, `/etc/${key}`]))
    const found = neededBeside({ repositories: { main: { url, ...settings } } })
    assert.deepEqual(
      found,
      files.map((key) => ({ kind: 'file', what: `/etc/${key}`, from: `repositories.main.${key}` })),
    )
  }
})

test('a certificate of a bucket and one of a component are needed', () => {
  const main = { url: 's3://bucket', ca: '/etc/bucket.crt' }
  const components = { secrets: { kind: 'openbao', ca: '/etc/openbao.crt' } }
  const found = neededBeside({ repositories: { main }, apps: { portal: { components } } })
  assert.deepEqual(
    found.map(({ what }) => what),
    ['/etc/bucket.crt', '/etc/openbao.crt'],
  )
})
