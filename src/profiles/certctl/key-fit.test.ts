import assert from 'node:assert/strict'
import { createCipheriv, generateKeyPairSync, pbkdf2Sync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { proven, recipe, type Things } from '../../key-fit/testing/evidence-sources.ts'
import type { Row } from '../../key-fit/evidence-source.ts'

const PASSPHRASE = 'a passphrase of certctl, 32 bytes or more'
const V1_SALT = Buffer.from('certctl-config-encryption-v1')
const CONFIG = '{"ca_cert_path":"/etc/certctl/ca.crt"}'
const setting = recipe('certctl', 'configKey')

interface Layout {
  readonly passphrase?: string
  readonly plain?: string
  readonly nonce?: Buffer
}

function gcm(key: Buffer, nonce: Buffer, plain: string): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** As certctl writes them: a mark, a salt of the row, a nonce; version 1 has neither mark nor salt. */
function blob(
  version: 1 | 2 | 3,
  { passphrase = PASSPHRASE, plain = CONFIG, nonce = randomBytes(12) }: Layout = {},
): Row {
  const salt = version === 1 ? V1_SALT : randomBytes(16)
  const key = pbkdf2Sync(passphrase, salt, version === 3 ? 600_000 : 100_000, 32, 'sha256')
  const head = version === 1 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([version]), salt])
  return { sealed: `\\x${Buffer.concat([head, gcm(key, nonce, plain)]).toString('hex')}` }
}

function things(issuers: readonly Row[], secrets: Things['secrets'] = { configKey: PASSPHRASE }): Things {
  return { secrets, rows: { 'from issuers': issuers } }
}

test('values of all three versions open, and are counted by version', async () => {
  const { verdict, evidence } = await proven(setting, things([blob(1), blob(2), blob(3), blob(3)]))
  assert.equal(verdict, 'fits')
  for (const said of [/issuers opens, v1: 1 fit/, /v2: 1 fit/, /v3: 2 fit/]) assert.match(evidence.join('\n'), said)
})

test('a version 1 value that begins like another version opens all the same', async () => {
  for (const mark of [2, 3]) {
    const nonce = Buffer.concat([Buffer.from([mark]), randomBytes(11)])
    assert.equal((await proven(setting, things([blob(1, { nonce })]))).verdict, 'fits')
  }
})

test('one value under another key among many is mixed, all of them do not fit', async () => {
  const foreign = blob(2, { passphrase: 'the passphrase of the staging system' })
  const { verdict, evidence } = await proven(setting, things([blob(2), blob(2), foreign]))
  assert.equal(verdict, 'mixed')
  assert.match(evidence.join('\n'), /1 do not fit/)
  assert.equal((await proven(setting, things([foreign]))).verdict, 'does-not-fit')
})

test('no value proves nothing; one that is too short, or opens to no JSON, is damaged', async () => {
  assert.equal((await proven(setting, things([]))).verdict, 'not-provable')
  assert.equal((await proven(setting, things([{ sealed: '\\x0301' }]))).verdict, 'corrupt')
  assert.equal((await proven(setting, things([blob(2, { plain: 'no json' })]))).verdict, 'corrupt')
})

test('a line break after the passphrase is found', async () => {
  const { verdict, evidence } = await proven(setting, things([blob(2)], { configKey: `${PASSPHRASE}\n` }))
  assert.equal(verdict, 'does-not-fit')
  assert.match(evidence.join('\n'), /key configKey ends with a line break, and fits without it/)
})

test('the passphrase may be a variable of an environment file', async () => {
  const place = { component: 'keys', secret: 'env', variable: 'CERTCTL_CONFIG_ENCRYPTION_KEY' }
  const fromFile = { kind: 'recipe', recipe: 'certctl', keys: { configKey: place } }
  const env = `# settings\nCERTCTL_CONFIG_ENCRYPTION_KEY="${PASSPHRASE}"\n`
  assert.equal((await proven(fromFile, things([blob(2)], { env }))).verdict, 'fits')
  assert.equal((await proven(fromFile, things([blob(2)], { env: 'OTHER=1\n' }))).keys[0]?.fingerprint, null)
})

test('a key of the CA that is not that of its certificate does not fit', async () => {
  const pem = (key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey): string =>
    key.export({ format: 'pem', type: 'pkcs8' }).toString()
  const withCa = recipe('certctl', 'configKey', 'caKey', 'caCertificate')
  const secrets = { configKey: PASSPHRASE, caKey: CA_KEY, caCertificate: CA_CERTIFICATE }
  const rows = [
    { pem_chain: FOREIGN },
    { pem_chain: CA_CERTIFICATE },
    { pem_chain: REPLACED },
    { pem_chain: 'nothing' },
  ]
  const right = await proven(withCa, { secrets, rows: { certificate_versions: rows } })
  assert.equal(right.verdict, 'fits')
  assert.match(
    right.evidence.join('\n'),
    /1 issued certificates chain to it, 1 name it and were signed by another key, 1 are of other issuers, 1 are no cert/,
  )
  const newest = [{ pem_chain: FOREIGN }, { pem_chain: REPLACED }, { pem_chain: CA_CERTIFICATE }]
  const replaced = await proven(withCa, { secrets, rows: { certificate_versions: newest } })
  assert.equal(replaced.verdict, 'mixed')
  assert.match(replaced.evidence.join('\n'), /the newest certificate that it issued was signed by another key/)
  assert.equal((await proven(withCa, { secrets: { ...secrets, caKey: pem() } })).verdict, 'does-not-fit')
  assert.equal((await proven(withCa, { secrets: { ...secrets, caKey: 'no key' } })).verdict, 'corrupt')
})

/** Made for this test with openssl; it protects nothing. */
const CA_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3EYVvCUrEr/q+vNb
eFh+Pqew4Sv4PXNHl/6ZpfixMvGhRANCAAQI+jzUcMnyb5zBRSnMVFvuoIjGEhSA
b//sMuplFa8DHFcqY1oj+twxpNy1sqCGI69P2kiagBj/WjyoZyPJ5q0r
-----END PRIVATE KEY-----
`
const CA_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBjjCCATOgAwIBAgIUHRHMeXq6U2VFf39FlqgC9o4RYAYwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQSG9sZGZhc3QgdGVzdCBDQTAgFw0yNjExMjIwNTM2NTBaGA8y
MTI2MTAyOTA1MzY1MFowGzEZMBcGA1UEAwwQSG9sZGZhc3QgdGVzdCBDQTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABAj6PNRwyfJvnMFFKcxUW+6giMYSFIBv/+wy
6mUVrwMcVypjWiP63DGk3LWyoIYjr0/aSJqAGP9aPKhnI8nmrSujUzBRMB0GA1Ud
DgQWBBRkE9ikc07m82XsbHlqqlaEJtPtrDAfBgNVHSMEGDAWgBRkE9ikc07m82Xs
bHlqqlaEJtPtrDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDd
XM8ac6XHsrKd2Ez2guk+HmVS7GWOjuMO4RhYfVngIQIhAPorrQZkUxMhW5Zc01Ij
Xc0/+41Jjc6TVUr68vTyTYVa
-----END CERTIFICATE-----
`
/** Of the same name and another key. */
const REPLACED = `-----BEGIN CERTIFICATE-----
MIIBjDCCATOgAwIBAgIUAWceEC8T5N+G11Bg27EwqvtBD+cwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQSG9sZGZhc3QgdGVzdCBDQTAgFw0yNjExMjIwNjUwMDdaGA8y
MTI2MTAyOTA2NTAwN1owGzEZMBcGA1UEAwwQSG9sZGZhc3QgdGVzdCBDQTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABNzoDnIALDRG8s2PCsNPO7nyExNv7kRFClEw
sjQqri2uXNY+4cmoGyEitW+rcVS+iLV45cToyZ4e28izwNRuYD6jUzBRMB0GA1Ud
DgQWBBQExzoXtKyddXWuTY5qhP/g0rKuzDAfBgNVHSMEGDAWgBQExzoXtKyddXWu
TY5qhP/g0rKuzDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIFZf
goXFJh1h4Dw+lDVpr9nUocuQd5t/SsCB3h8/RitMAiBLvgrDsFqY23BJD7vGCGAX
DuuqGSnLuEEr06KtpuwHvA==
-----END CERTIFICATE-----
`
const FOREIGN = `-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUd8AfeAJ3wbGBSwedZCyJKgcMzvwwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKQW5vdGhlciBDQTAgFw0yNjExMjIwNjUwMDdaGA8yMTI2MTAy
OTA2NTAwN1owFTETMBEGA1UEAwwKQW5vdGhlciBDQTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABNzoDnIALDRG8s2PCsNPO7nyExNv7kRFClEwsjQqri2uXNY+4cmo
GyEitW+rcVS+iLV45cToyZ4e28izwNRuYD6jUzBRMB0GA1UdDgQWBBQExzoXtKyd
dXWuTY5qhP/g0rKuzDAfBgNVHSMEGDAWgBQExzoXtKyddXWuTY5qhP/g0rKuzDAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCy2GLslFIVk5k7A2/E
6DYZjOJvhcudmaqJvAmvdVtUxAIhAMJLYKLMyUDpfogrJ53hE2WTyXn6RAn1aSef
OUST8bCK
-----END CERTIFICATE-----
`

test('files that issuers name and that no component holds are said, whether their settings are sealed or in clear', async () => {
  const sealed = blob(3, { plain: '{"ca_cert_path":"/etc/certctl/ca.crt","ca_key_path":"/etc/certctl/ca.key"}' })
  const rows = {
    'encrypted_config as sealed': [sealed],
    'config::text': [{ named: '{"ca_key_path":"/srv/other.key","dns":"none"}' }],
    key_path: [{ named: 'ocsp-responder.key' }],
  }
  const secrets = { configKey: PASSPHRASE }
  const found = await proven(setting, { secrets, rows, files: ['/etc/certctl/ca.crt'] })
  assert.deepEqual(
    [found.verdict, found.outside],
    ['fits', ['/etc/certctl/ca.key', '/srv/other.key', 'ocsp-responder.key']],
  )
  const files = ['/etc/certctl/ca.crt', '/etc/certctl/ca.key', '/srv/other.key', 'ocsp-responder.key']
  const kept = { ...(setting as object), elsewhere: [{ file: 'ocsp-responder.key', reason: 'made anew' }] }
  assert.equal((await proven(kept, { secrets, rows, files })).outside, undefined)
  assert.equal((await proven(setting, { secrets, rows })).outside, undefined, 'a drill does not know the host')
})
