import assert from 'node:assert/strict'
import { createCipheriv, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { proven, recipe, type Things } from '../../key-fit/testing/evidence-sources.ts'
import type { Row } from '../../key-fit/evidence-source.ts'

const MASTERKEY = 'MasterkeyNeedsToHave32Characters'
const setting = recipe('zitadel', 'masterkey')
const bytes = (from: number, length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => from + index))

/** Computed with another program: IV 00…0f, data key a0…bf. */
const VECTOR = {
  row: { id: 'oidcKey', key: 'AAECAwQFBgcICQoLDA0OD8-nhd_iYgP2lti7-4-4hIvpTNu_4zNK70taM7q50EYC' },
  dataKey: bytes(0xa0, 32),
  sealed: 'EBESExQVFhcYGRobHB0eHxEgbsjYM+NVAmJZGrHdpEKxGg2NTMU=',
  plain: '{"kty":"EC","kid":"1"}',
}

function cfb(key: Buffer, plain: Buffer, iv = randomBytes(16)): Buffer {
  const cipher = createCipheriv('aes-256-cfb', key, iv)
  return Buffer.concat([iv, cipher.update(plain), cipher.final()])
}

function sealed(dataKey: Buffer, plain: string, id = 'oidcKey'): Record<string, unknown> {
  return { CryptoType: 0, Algorithm: 'aes', KeyID: id, Crypted: cfb(dataKey, Buffer.from(plain)).toString('base64') }
}

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = (key: KeyObject): string => JSON.stringify({ ...key.export({ format: 'jwk' }), kid: '1', use: 'sig' })

function webKey(dataKey: Buffer, id = 'oidcKey', keys = pair): Row {
  return { private_key: JSON.stringify(sealed(dataKey, jwk(keys.privateKey), id)), public_key: jwk(keys.publicKey) }
}

function things(change: Partial<Things> & { readonly masterkey?: string } = {}): Things {
  const rows = { encryption_keys: [VECTOR.row], 'web_key.added': [webKey(VECTOR.dataKey)], ...change.rows }
  return { secrets: { masterkey: change.masterkey ?? MASTERKEY }, rows }
}

test('the vector: the row unwraps to the data key, and the data key opens the value', async () => {
  const opens = {
    kind: 'declared',
    name: 'vector',
    keys: {
      masterkey: { kind: 'secret', component: 'keys', secret: 'masterkey' },
      ring: {
        kind: 'ring',
        key: 'masterkey',
        rows: { component: 'database', sql: 'encryption_keys' },
        id: 'id',
        value: { column: 'key', decode: ['base64url'] },
        layout: { kind: 'aes-cfb' },
      },
    },
    proofs: [
      {
        kind: 'opens',
        about: 'it',
        rows: { component: 'database', sql: 'values' },
        value: { column: 'sealed', decode: ['base64'] },
        key: 'ring',
        keyId: { column: 'id' },
        layouts: [{ kind: 'aes-cfb' }],
        plain: 'json',
      },
    ],
  }
  const rows = { encryption_keys: [VECTOR.row], values: [{ id: 'oidcKey', sealed: VECTOR.sealed }] }
  const right = await proven(opens, { secrets: { masterkey: MASTERKEY }, rows })
  assert.deepEqual(
    [right.verdict, right.evidence[0]],
    ['not-provable', 'it, oidcKey: 1 look right, which proves nothing'],
  )
  const wrong = await proven(opens, { secrets: { masterkey: `${MASTERKEY.slice(0, -1)}X` }, rows })
  assert.equal(wrong.verdict, 'does-not-fit')
})

test('a web key that matches its public half proves the masterkey, a wrong masterkey never does', async () => {
  assert.equal((await proven(setting, things())).verdict, 'fits')
  const wrong = await proven(setting, things({ masterkey: `${MASTERKEY.slice(0, -1)}X` }))
  assert.equal(wrong.verdict, 'does-not-fit')
})

test('a private key whose public half is another does not fit', async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const row = webKey(VECTOR.dataKey, 'oidcKey', { privateKey: pair.privateKey, publicKey: other.publicKey })
  const result = await proven(setting, things({ rows: { 'web_key.added': [row] } }))
  assert.equal(result.verdict, 'does-not-fit')
  assert.match(result.evidence.join(), /another public half/)
})

test('RSA and Ed25519 web keys are compared as well', async () => {
  const keys = [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('ed25519')]
  const rows = keys.map((one) => webKey(VECTOR.dataKey, 'oidcKey', one))
  assert.equal((await proven(setting, things({ rows: { 'web_key.added': rows } }))).verdict, 'fits')
})

test('key pairs of older releases: both halves encrypted, the public one an SPKI under a PKCS#1 label', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const labelled = `-----BEGIN RSA PUBLIC KEY-----\n${spki}\n-----END RSA PUBLIC KEY-----\n`
  const pem = privateKey.export({ format: 'pem', type: 'pkcs1' }).toString()
  const row = {
    private_key: JSON.stringify({ key: sealed(VECTOR.dataKey, pem), expiry: 'x' }),
    public_key: JSON.stringify({ key: sealed(VECTOR.dataKey, labelled), expiry: 'x' }),
  }
  const rows = { 'web_key.added': [], 'key_pair.added': [row] }
  assert.equal((await proven(setting, things({ rows }))).verdict, 'fits')
  const wrong = things({ rows, masterkey: `${MASTERKEY.slice(0, -1)}X` })
  assert.equal((await proven(setting, wrong)).verdict, 'does-not-fit')
})

test('a newer value is a JWE', async () => {
  const [contentKey, iv, wrapIv] = [randomBytes(32), randomBytes(12), randomBytes(12)]
  const wrap = createCipheriv('aes-256-gcm', VECTOR.dataKey, wrapIv)
  const wrapped = Buffer.concat([wrap.update(contentKey), wrap.final()])
  const mark = wrap.getAuthTag().toString('base64url')
  const header = { alg: 'A256GCMKW', enc: 'A256GCM', iv: wrapIv.toString('base64url'), tag: mark }
  const head = Buffer.from(JSON.stringify(header)).toString('base64url')
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv)
  cipher.setAAD(Buffer.from(head))
  const text = Buffer.concat([cipher.update(jwk(pair.privateKey)), cipher.final()])
  const parts = [wrapped, iv, text, cipher.getAuthTag()].map((part) => part.toString('base64url'))
  const Crypted = Buffer.from([head, ...parts].join('.')).toString('base64')
  const row = { private_key: JSON.stringify({ KeyID: 'oidcKey', Crypted }), public_key: jwk(pair.publicKey) }
  const rows = { 'web_key.added': [row] }
  assert.equal((await proven(setting, things({ rows }))).verdict, 'fits')
  const wrong = things({ rows, masterkey: `${MASTERKEY.slice(0, -1)}X` })
  assert.equal((await proven(setting, wrong)).verdict, 'does-not-fit')
})

test('data keys under two masterkeys are mixed, and each is named', async () => {
  const dataKey = randomBytes(32)
  const second = { id: 'samlKey', key: cfb(Buffer.from('x'.repeat(32)), dataKey).toString('base64url') }
  const rows = {
    encryption_keys: [VECTOR.row, second],
    'web_key.added': [webKey(VECTOR.dataKey), webKey(dataKey, 'samlKey')],
  }
  const { verdict, evidence } = await proven(setting, things({ rows }))
  assert.equal(verdict, 'mixed')
  assert.match(evidence.join('\n'), /oidcKey: 1 fit\n.*samlKey: 1 do not fit/)
})

test('without a web key nothing is proven, whatever the masterkey', async () => {
  for (const masterkey of [MASTERKEY, 'x'.repeat(32)]) {
    const { verdict, evidence } = await proven(setting, things({ masterkey, rows: { 'web_key.added': [] } }))
    assert.equal(verdict, 'not-provable')
    assert.match(evidence.join(), /nothing proves oidcKey/)
  }
})

test('secrets of providers, mail and one-time passwords are evidence, and a wrong key is found by them', async () => {
  const rows = {
    'web_key.added': [],
    '%.idp.%': [{ sealed: JSON.stringify(sealed(VECTOR.dataKey, 'a client secret of a provider')) }],
    '%.otp.added': [{ sealed: JSON.stringify(sealed(VECTOR.dataKey, 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')) }],
  }
  const right = await proven(setting, things({ rows }))
  assert.equal(right.verdict, 'not-provable')
  assert.match(
    right.evidence.join('\n'),
    /client secrets of identity providers are text, oidcKey: 1 look right, which proves nothing/,
  )
  assert.match(right.evidence.join('\n'), /one-time passwords are text, oidcKey: 1 look right/)
  const wrong = await proven(setting, things({ rows, masterkey: `${MASTERKEY.slice(0, -1)}X` }))
  assert.equal(wrong.verdict, 'does-not-fit')
})

test('a masterkey of another length does not fit, and a line break is named as the reason', async () => {
  const { verdict, evidence } = await proven(setting, things({ masterkey: `${MASTERKEY}\n` }))
  assert.equal(verdict, 'does-not-fit')
  assert.match(evidence.join('\n'), /has 33 bytes instead of 32/)
  assert.match(evidence.join('\n'), /ends with a line break, and fits without it/)
})

test('what is no base64, is too short or names an unknown key is damaged', async () => {
  const damaged = [
    { encryption_keys: [{ id: 'oidcKey', key: 'not base64!' }] },
    { encryption_keys: [{ id: 'oidcKey', key: 'AAEC' }] },
    { 'web_key.added': [webKey(VECTOR.dataKey, 'no-such-key')] },
    { 'web_key.added': [{ ...webKey(VECTOR.dataKey), public_key: '{"kty":"none"}' }] },
  ]
  for (const rows of damaged)
    assert.equal((await proven(setting, things({ rows }))).verdict, 'corrupt', JSON.stringify(rows))
})
