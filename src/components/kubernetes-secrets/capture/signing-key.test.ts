import assert from 'node:assert/strict'
import { test } from 'node:test'
import { managerOf } from './managed.ts'
import { liveObject, type LiveObject } from '../object.ts'

/** Made for this test; they open nothing. */
const CA = `-----BEGIN CERTIFICATE-----
MIIBcDCCARegAwIBAgIUKhNGvrDQw4PxMOXjMc/JO8AeSuYwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTMwMDEzNDA0WhgPMjEyNjExMDYwMTM0MDRa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEXSl+wb5c
Wo+5v35VhRui5KO+bJzpkrit6howsi5riqjAhgTvSt0Syx/jq3SqylpSG3UT8u41
f68FX5Xl6yxGJ6NTMFEwHQYDVR0OBBYEFIXL749w5zZa+YE2CFWHqhy3Z1f7MB8G
A1UdIwQYMBaAFIXL749w5zZa+YE2CFWHqhy3Z1f7MA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgEFIOCsjTkh7uwjj3J7bEYwxSfRFrwviSEbT3KgnM
TSMCIAg5qDJoTWXrGAtmkEZipVzIliUwTYw9xNlkSXwb8L6C
-----END CERTIFICATE-----
`
const CA_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtT1gFF+4R78JH7aP
8rZrEScOdkrxfrV4vRxM46yfpjuhRANCAARdKX7Bvlxaj7m/flWFG6Lko75snOmS
uK3qGjCyLmuKqMCGBO9K3RLLH+OrdKrKWlIbdRPy7jV/rwVfleXrLEYn
-----END PRIVATE KEY-----
`
const LEAF = `-----BEGIN CERTIFICATE-----
MIIBbDCCAROgAwIBAgIUSHwnaexM4G1krIiSbxjvaQ1c/MswCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTMwMDEzNDA1WhgPMjEyNjExMDYwMTM0MDVa
MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQKbPnl
LMYzuz/71yZ+fUwWKCNTyypTXaNvadvtfikyf8bOAPGmSf6iD6R1e5aGTn48Ew/V
sMAQasHU6/yfQr8vo00wSzAJBgNVHRMEAjAAMB0GA1UdDgQWBBQDsjAqBykEFUyf
2FDpvu7fvtQkdzAfBgNVHSMEGDAWgBSFy++PcOc2WvmBNghVh6oct2dX+zAKBggq
hkjOPQQDAgNHADBEAiBXqX5VOc/LmfHouJ3O4rfYphmjEBh+gP9ryXLd61/M6gIg
Qd8NJ1E+4ChJFi1KTHQIGFEtZrZ97tLwsOzpAdRtnKE=
-----END CERTIFICATE-----
`
const LEAF_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYGYcj4Q4LeuYGaOU
YqsBhK8tFL687j8q76Lf3eBvZyuhRANCAAQKbPnlLMYzuz/71yZ+fUwWKCNTyypT
XaNvadvtfikyf8bOAPGmSf6iD6R1e5aGTn48Ew/VsMAQasHU6/yfQr8v
-----END PRIVATE KEY-----
`

const issued = { annotations: { 'cert-manager.io/certificate-name': 'app' } }
const owned = { ownerReferences: [{ apiVersion: 'x/v1', kind: 'Kafka', name: 'k', uid: '3' }] }
const sealed = { ownerReferences: [{ apiVersion: 'x/v1', kind: 'SealedSecret', name: 's', uid: '3' }] }
const flux = { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }

function secret(metadata: object, data: Readonly<Record<string, string>>): LiveObject {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')] as const)
  const own = { name: 'app', uid: 'u', resourceVersion: '1', ...metadata }
  return liveObject('Secret', { metadata: own, type: 'Opaque', data: Object.fromEntries(encoded) })
}

test('the key of an authority is left to nobody who made it once, and what it issued is left to its issuer', () => {
  const authority = { 'tls.crt': CA, 'tls.key': CA_KEY, 'ca.crt': CA }
  const leaf = { 'tls.crt': `${LEAF}${CA}`, 'tls.key': LEAF_KEY, 'ca.crt': CA }
  for (const by of [issued, owned]) assert.equal(managerOf(secret(by, authority)), undefined)
  for (const by of [sealed, flux]) assert.notEqual(managerOf(secret(by, authority)), undefined)
  for (const data of [leaf, { 'ca.crt': CA }, { 'ca.key': CA_KEY }, { 'tls.crt': 'no PEM', 'tls.key': 'none' }])
    for (const by of [issued, owned]) assert.notEqual(managerOf(secret(by, data)), undefined)
  const broken = { 'tls.crt': CA.slice(0, 90), 'tls.key': CA_KEY.slice(0, 60) }
  assert.equal(managerOf(secret(issued, broken)), 'cert-manager')
})

test('a writer that makes its own keys and certificates alike is known by what it marks', () => {
  const account = { managedFields: [{ manager: 'cert-manager-controller' }] }
  assert.equal(managerOf(secret(account, { 'tls.key': LEAF_KEY })), undefined)
  assert.equal(managerOf(secret({ ...account, ...issued }, { 'tls.crt': LEAF, 'tls.key': LEAF_KEY })), 'cert-manager')
})
