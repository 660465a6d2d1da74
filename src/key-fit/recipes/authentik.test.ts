import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { proven, recipe, type Things } from '../testing/worlds.ts'

const KEY = 'a secret key of authentik with fifty characters ok'
const setting = recipe('authentik', 'secretKey')
const UUID = [{ id: '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0' }]

/** What the cache holds: a pickle with a link in it, whose token is signed for one usage. */
function cached(key: string, usage = 'media'): { readonly value: string } {
  const signingKey = createHash('sha256').update(`${key}:${usage}`).digest('hex')
  const [head, body] = [
    { alg: 'HS256', typ: 'JWT' },
    { path: 'public/logo.png', exp: 1 },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const signature = createHmac('sha256', signingKey).update(`${head}.${body}`).digest('base64url')
  const link = `/files/media/public/logo.png?token=${head}.${body}.${signature}`
  return { value: Buffer.from(`\x80\x05\x95\x8c\x50${link}\x94.`, 'latin1').toString('base64') }
}

const things = (rows: Things['rows'] = {}, change: Partial<Things> = {}): Things => ({
  secrets: { secretKey: KEY },
  rows: { authentik_install_id: UUID, ...rows },
  ...change,
})

test('in most installations nothing proves the key; whether it is the live one is said', async () => {
  const same = await proven(setting, things())
  assert.equal(same.verdict, 'not-provable')
  assert.match(
    same.evidence.join('\n'),
    /the key is the one that the app has now: yes, both have fingerprint [0-9a-f]{16}/,
  )
  const other = await proven(setting, things({}, { live: { secretKey: 'another' } }))
  assert.equal(other.verdict, 'not-provable')
  assert.match(other.evidence.join('\n'), /no, captured [0-9a-f]{16}, live [0-9a-f]{16}/)
  assert.ok(!other.evidence.join().includes(KEY))
})

test('an installation from before 2023.6 has the key as its id; another id may be a rotated key', async () => {
  assert.equal((await proven(setting, things({ authentik_install_id: [{ id: KEY }] }))).verdict, 'fits')
  const rotated = await proven(setting, things({ authentik_install_id: [{ id: 'the key of 2022' }] }))
  assert.equal(rotated.verdict, 'not-provable')
  assert.match(rotated.evidence.join('\n'), /may be from before a rotation/)
})

test('a cached link proves the key it was signed with', async () => {
  assert.equal((await proven(setting, things({ '/media/': [cached(KEY)] }))).verdict, 'fits')
  assert.equal((await proven(setting, things({ '/media/': [cached('another key')] }))).verdict, 'does-not-fit')
  assert.equal((await proven(setting, things({ '/reports/': [cached(KEY, 'reports')] }))).verdict, 'fits')
  const noLink = [{ value: Buffer.from('a pickle').toString('base64') }]
  assert.equal((await proven(setting, things({ '/media/': noLink }))).verdict, 'not-provable')
})
