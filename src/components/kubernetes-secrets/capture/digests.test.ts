import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import { capturedOf, differencesOf } from './digests.ts'
import { liveObject, type LiveObject } from '../object.ts'
import type { KubernetesSecretsDetails } from '../schema.ts'

const fingerprintKey = secretOfBytes(Buffer.alloc(32, 1))
const details: KubernetesSecretsDetails = {
  server: 's',
  namespace: 'n',
  fingerprintKey: fingerprintKey.reveal(),
  objects: [],
}

function secret(value: string, metadata: object = {}): LiveObject {
  const own = { name: 'app', uid: 'u', resourceVersion: '1', labels: { team: 'blue' }, ...metadata }
  const data = { key: Buffer.from(value).toString('base64') }
  return liveObject('Secret', { metadata: own, type: 'Opaque', data })
}

const captured = capturedOf(secret('one'), undefined, fingerprintKey)
const told = (found: LiveObject | undefined) =>
  differencesOf(captured, found, details).map((one) => `${one.subject}: ${one.expected} / ${one.found}`)

test('an object that is there as it was is equal, and one that is missing never is', () => {
  assert.deepEqual(told(secret('one')), [])
  assert.deepEqual(told(undefined), ['Secret app: 1 keys / nothing'])
})

test('labels and annotations are told by name, and of a value only that it is another', () => {
  const about = 'Secret app: type, labels and annotations: Opaque, labels: team, annotations: none'
  assert.deepEqual(told(secret('one', { labels: {}, annotations: { own: 'x' } })), [
    `${about} / Opaque, labels: none, annotations: own`,
  ])
  assert.deepEqual(told(secret('one', { labels: { team: 'red' } })), [`${about} / the same names, with other values`])
  assert.match(told(secret('two')).join(), /^Secret app key key: fingerprint [0-9a-f]{16} \/ fingerprint [0-9a-f]{16}$/)
})
