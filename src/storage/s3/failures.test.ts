import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAboutTheData, type FailureKind } from '../../core/failure.ts'
import { s3Failure } from './failures.ts'

/** Of this machine, of the way, and of the server. */
const table: readonly (readonly [FailureKind, object])[] = [
  ['refused', { code: 'EMFILE' }],
  ['refused', { code: 'ENFILE' }],
  ['refused', { code: 'ENOMEM' }],
  ['unreachable', { code: 'ECONNREFUSED' }],
  ['unreachable', { code: 'ENOTFOUND' }],
  ['denied', { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }],
  ['refused', { name: 'QuotaExceeded', $metadata: { httpStatusCode: 400 } }],
  ['refused', { name: 'XMinioStorageFull', $metadata: { httpStatusCode: 507 } }],
  ['unreachable', { name: 'SlowDown', $metadata: { httpStatusCode: 503 } }],
]

for (const [kind, error] of table) {
  test(`an error of S3 with ${JSON.stringify(error)} is ${kind}, and says nothing about the data`, () => {
    const failure = s3Failure(
      Object.assign(new Error('in the words of the client'), error),
      'get data/1',
      's3://bucket',
    )
    assert.equal(failure.kind, kind)
    assert.equal(isAboutTheData(failure), false)
  })
}
