import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePlace, remarksOf } from './settings.ts'
import { partSizeAt, partsInFlight, MOST_PARTS } from './upload/part-sizes.ts'

test('the prefix of an S3 location ends with a slash or is empty', () => {
  assert.deepEqual(parsePlace('s3://bucket'), { bucket: 'bucket', prefix: '' })
  assert.deepEqual(parsePlace('s3://bucket/'), { bucket: 'bucket', prefix: '' })
  assert.deepEqual(parsePlace('s3://bucket/a//b'), { bucket: 'bucket', prefix: 'a/b/' })
})

test('points are marked when nobody checks whom we talk to', () => {
  assert.deepEqual(remarksOf({ url: 's3://bucket', insecureTls: true }), ['insecure TLS'])
  assert.deepEqual(remarksOf({ url: 's3://bucket', endpoint: 'http://s3.internal' }), ['no TLS'])
  for (const endpoint of ['http://127.0.0.1:9000', 'http://localhost', 'http://[::1]:9000', 'https://s3.internal'])
    assert.deepEqual(remarksOf({ url: 's3://bucket', endpoint }), [])
})

test('ten thousand parts hold five tebibytes and start small', () => {
  const first = 5 * 1024 * 1024
  let total = 0
  for (let index = 0; index < MOST_PARTS; index += 1) {
    const size = partSizeAt(index, first)
    assert.ok(size >= first && size <= 5 * 1024 ** 3)
    total += size
  }
  assert.ok(total >= 5 * 1024 ** 4)
  assert.equal(partSizeAt(999, first), first)
})

test('several uploads share what one keeps busy, and large parts go one by one', () => {
  const part = 8 * 1024 * 1024
  assert.deepEqual(
    [1, 2, 3, 5].map((uploads) => partsInFlight(part, uploads)),
    [2, 2, 1, 1],
  )
  assert.equal(partsInFlight(64 * 1024 * 1024, 1), 1)
})
