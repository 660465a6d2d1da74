import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import { capturedOf } from '../capture/digests.ts'
import { leftAlone } from '../capture/left-alone.ts'
import { managerOf } from '../capture/managed.ts'
import { areEqual, bodyOf, liveObject, type LiveObject } from '../object.ts'
import { notReplaceable } from './replaceable.ts'
import { kubernetesSecretsSettings, type KubernetesSecretsDetails } from '../schema.ts'

const owner = { apiVersion: 'x/v1', kind: 'Db', name: 'db', uid: '3', controller: true, blockOwnerDeletion: true }
const base64 = (text: string): string => Buffer.from(text).toString('base64')

function secret(metadata: object = {}, more: object = {}): LiveObject {
  const own = { name: 'app', uid: 'u', resourceVersion: '1', ...metadata }
  return liveObject('Secret', { metadata: own, type: 'Opaque', data: { key: base64('live') }, ...more })
}

const fingerprintKey = secretOfBytes(Buffer.alloc(32, 1))
const details: KubernetesSecretsDetails = {
  server: 's',
  namespace: 'n',
  fingerprintKey: fingerprintKey.reveal(),
  objects: [],
}
const captured = (one: LiveObject) => capturedOf(one, undefined, fingerprintKey)

test('a replacement keeps what no restore point holds', () => {
  const live = secret({ finalizers: ['x/keep'], ownerReferences: [owner] })
  const body = bodyOf(secret({}, { data: { key: base64('captured') } }), live.version, live.rest)
  assert.deepEqual(body, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'app',
      labels: {},
      annotations: {},
      uid: 'u',
      resourceVersion: '1',
      finalizers: ['x/keep'],
      ownerReferences: [owner],
    },
    type: 'Opaque',
    data: { key: base64('captured') },
  })
})

test('the Secret of an account is captured without its token, and a replacement keeps the one that is there', () => {
  const type = 'kubernetes.io/service-account-token'
  const name = { 'kubernetes.io/service-account.name': 'app' }
  const uid = { 'kubernetes.io/service-account.uid': '9' }
  const live = secret(
    { annotations: { ...name, ...uid } },
    { type, data: { token: base64('t'), namespace: base64('n') } },
  )
  assert.deepEqual([live.values.size, live.description.annotations, live.description.type], [0, name, type])
  assert.ok(areEqual(live, secret({ annotations: name }, { type, data: {} })), 'made again, and not yet filled')
  const body = bodyOf(secret({ annotations: name }, { type, data: {} }), live.version, live.rest)
  assert.deepEqual((body as { data: object }).data, { token: base64('t'), namespace: base64('n') }) // bodyOf gives data.
})

test('an object that is deleted to be made again, or is being deleted, is refused where it would not go', () => {
  const held = { finalizers: ['x/keep'] }
  const other = captured(secret({}, { data: { key: base64('captured') } }))
  const immutable = (one: object = held): LiveObject => secret(one, { immutable: true })
  const cases: readonly (readonly [LiveObject | undefined, typeof other, string | undefined])[] = [
    [undefined, other, undefined],
    [secret(held), other, undefined],
    [immutable({}), other, undefined],
    [immutable(), other, 'refused'],
    [immutable(), captured(immutable()), undefined],
    [immutable({ ...held, labels: { a: 'b' } }), captured(immutable()), undefined],
    [secret(held, { type: 'x/other' }), other, 'refused'],
    [secret({ ...held, deletionTimestamp: '2026-01-01T00:00:00Z' }), other, 'locked'],
  ]
  for (const [live, wanted, kind] of cases) assert.equal(notReplaceable(live, wanted, details)?.kind, kind)
})

test('the key that a controller needs is not what it makes, and what is gone is left to nobody', () => {
  const settings = kubernetesSecretsSettings.parse({ kind: 'kubernetes-secrets', namespace: 'n', secrets: ['app'] })
  const key = secret({ labels: { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' } })
  const account = secret({ managedFields: [{ manager: 'cert-manager-issuers' }] })
  for (const needed of [key, account]) assert.equal(managerOf(needed), undefined)
  const made = [
    secret({ annotations: { 'sealedsecrets.bitnami.com/managed': 'true' } }),
    secret({ ownerReferences: [{ ...owner, kind: 'SealedSecret' }] }),
    secret({ annotations: { 'cert-manager.io/certificate-name': 'tls' } }),
    secret({ managedFields: [{ manager: 'cert-manager-certificates-issuing' }] }),
  ]
  for (const one of made) assert.equal(typeof leftAlone(settings, one), 'string')
  assert.equal(leftAlone(settings, undefined), undefined)
})
