import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { proven, recipe, type Things } from '../../key-fit/testing/evidence-sources.ts'

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
  rows: { ...rows, authentik_install_id: rows['authentik_install_id'] ?? UUID },
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

const asked = { ...(setting as object), url: 'https://auth.test/sso/' }
const page = 'https://auth.test/sso/if/flow/default-authentication-flow/'
const users = [1, 2, 3].map((id) => ({ id: String(id), installation: UUID[0]?.id ?? '' }))

/** As the app makes it for a stranger: signed with hex(SHA-512(key)). */
function sessionCookie(key: string): string {
  const signingKey = createHash('sha512').update(key).digest('hex')
  const [head, body] = [
    { alg: 'HS256', typ: 'JWT' },
    { sid: 'x', iss: 'authentik', sub: 'anonymous', authenticated: false },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  return `${head}.${body}.${createHmac('sha256', signingKey).update(`${head}.${body}`).digest('base64url')}`
}

const told = ({ evidence }: { readonly evidence: readonly string[] }): string => evidence.join('\n')

test('the cookie of the running app proves the key at the backup, and its fingerprint is evidence afterwards', async () => {
  const backup = await proven(asked, things({}, { cookies: { [page]: sessionCookie(KEY) } }))
  assert.equal(backup.verdict, 'fits', told(backup))
  const staging = await proven(asked, things({}, { cookies: { [page]: sessionCookie('the key of staging') } }))
  assert.equal(staging.verdict, 'does-not-fit')
  const fingerprint = backup.keys[0]?.fingerprint ?? 'none'
  const later = await proven(asked, things({}, { recorded: backup }))
  assert.equal(later.verdict, 'not-provable')
  assert.ok(told(later).includes(`the backup found fits, and the key is that of then, ${fingerprint}`), told(later))
  const still = { recorded: staging, secrets: { secretKey: KEY } }
  assert.equal((await proven(asked, things({}, still))).verdict, 'does-not-fit')
  const other = await proven(asked, things({}, { recorded: backup, secrets: { secretKey: 'another' } }))
  assert.match(told(other), /the backup found fits for [0-9a-f]{16}, and the key is [0-9a-f]{16}/)
})

test('an app that cannot be asked proves nothing and says why; without its address nobody asks', async () => {
  const silent = await proven(asked, things({}, { cookies: {} }))
  assert.equal(silent.verdict, 'not-provable')
  assert.match(told(silent), /gives no cookie authentik_session/)
  assert.doesNotMatch(told(await proven(setting, things())), /cookie/)
  const zitadel = { ...(recipe('zitadel', 'masterkey') as object), url: 'https://auth.test' }
  await assert.rejects(async () => proven(zitadel, things()), /recipe zitadel asks no running app/)
})

test('subjects of users are noted at the backup, and others after a restore are damage', async () => {
  const rows = { 'authentik_core_user u': users }
  const backup = await proven(setting, things(rows))
  assert.equal(backup.stable?.[0]?.rows, 3)
  // A row more is no matter: those of the backup come first.
  const more = { 'authentik_core_user u': [...users, { id: '4', installation: 'x' }] }
  const later = await proven(setting, things(more, { recorded: backup }))
  assert.equal(later.verdict, 'not-provable')
  assert.match(told(later), /all 3 are those of the backup/)
  for (const lost of [users.slice(1), users.map(({ id }) => ({ id, installation: 'another' }))]) {
    const damaged = await proven(setting, things({ 'authentik_core_user u': lost }, { recorded: backup }))
    assert.equal(damaged.verdict, 'corrupt', told(damaged))
  }
})
