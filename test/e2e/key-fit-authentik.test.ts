import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { KeyFitResult } from '../../src/key-fit/verdict.ts'
import { startReadyLab } from './lab.ts'

/** An Authentik-shaped app that runs: its flow page signs a cookie for whoever asks, as the real one does. */
const KEY = 'the secret key of authentik, as long as they are, 50 c'
const app = { key: KEY, asked: 0 }
const server = createServer((request, answer) => {
  app.asked += 1
  assert.equal(request.url, '/sso/if/flow/default-authentication-flow/')
  answer.setHeader('set-cookie', ['other=1; Path=/', `authentik_session=${session()}; HttpOnly; Path=/; Secure`])
  answer.end('<html></html>')
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(() => server.close())
// The address of a TCP server that listens is never null nor a path.
const { port } = server.address() as AddressInfo

function session(): string {
  const parts = [
    { alg: 'HS256', typ: 'JWT' },
    { sid: 's', iss: 'authentik', sub: 'anonymous' },
  ]
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signingKey = createHash('sha512').update(app.key).digest('hex')
  return `${text}.${createHmac('sha256', signingKey).update(text).digest('base64url')}`
}

const lab = await startReadyLab()
const keyFile = join(lab.folder, 'secrets', 'key')
await mkdir(join(lab.folder, 'secrets'), { mode: 0o700 })
await setKey(KEY)
await point(`http://127.0.0.1:${port}/sso/`)
await lab.sql(`create table authentik_install_id (id text); insert into authentik_install_id values (gen_random_uuid()::text);
  create table authentik_core_user (id int primary key, username text); insert into authentik_core_user select n, 'u' || n from generate_series(1, 50) n`)

function setKey(text: string): Promise<void> {
  return writeFile(keyFile, text, { mode: 0o600 })
}

async function point(url: string): Promise<void> {
  await lab.edit((config) => {
    const portal = config.apps['portal'] as Record<string, unknown> & { components: Record<string, unknown> }
    delete portal.components['files']
    portal.components['keys'] = { kind: 'secrets', secrets: { key: { file: keyFile } } }
    portal['keyFit'] = [
      { kind: 'recipe', recipe: 'authentik', url, keys: { secretKey: { component: 'keys', secret: 'key' } } },
    ]
  })
}

interface Reported {
  readonly report: { readonly point: string; readonly outcome: string; readonly keyFit: readonly KeyFitResult[] }
}
const fitOf = ({ report }: Reported): KeyFitResult => {
  const [fit] = report.keyFit
  assert.ok(fit !== undefined)
  return fit
}
const words = (reported: Reported): string => fitOf(reported).evidence.join('\n')

test('the running app proves the captured key; drill and restore compare fingerprints and subjects', async () => {
  const made = await lab.json<Reported>(['backup', 'portal'])
  assert.equal(fitOf(made).verdict, 'fits', words(made))
  assert.equal(fitOf(made).stable?.[0]?.rows, 50)
  const { asked } = app
  for (const args of [
    ['drill', 'portal'],
    ['restore', 'portal', '--yes', '--no-safety-point'],
  ]) {
    const later = await lab.json<Reported>(args)
    assert.equal(fitOf(later).verdict, 'not-provable', words(later))
    const fingerprint = fitOf(made).keys[0]?.fingerprint ?? 'none'
    assert.ok(words(later).includes(`the backup found fits, and the key is that of then, ${fingerprint}`), words(later))
    assert.match(words(later), /the subjects that other apps know users by: all 50 are those of the backup/)
  }
  assert.equal(app.asked, asked, 'the running app is asked in a backup only')
})

test('the staging key in the production point is found by the app that runs, and neither value is said', async () => {
  await setKey('the secret key of the staging system')
  const ran = await lab.run('backup', 'portal', '--json')
  assert.equal(ran.code, 3, ran.error)
  // The documented shape of a backup.
  const made = JSON.parse(ran.out) as Reported
  assert.equal(fitOf(made).verdict, 'does-not-fit')
  assert.match(words(made), /the running app signs its cookie with the key: 1 do not fit/)
  await setKey(KEY)
  const drilled = await lab.json<Reported>(['drill', 'portal', '--at', made.report.point], 30)
  assert.equal(fitOf(drilled).verdict, 'does-not-fit')
  const restore = ['restore', 'portal', '--at', made.report.point, '--yes', '--no-safety-point']
  const stopped = await lab.json<{ report: { failure: { message: string } } }>(restore, 13)
  assert.match(
    stopped.report.failure.message,
    /key secretKey \(captured [0-9a-f]{16}, live [0-9a-f]{16}\).* does not open/,
  )
  for (const value of [KEY, 'staging system', session()]) assert.ok(!`${ran.out}${ran.error}`.includes(value))
})

test('an app that does not run proves nothing and stops nothing', async () => {
  await setKey(KEY)
  await point('http://127.0.0.1:1/')
  const made = await lab.json<Reported>(['backup', 'portal'])
  assert.deepEqual([made.report.outcome, fitOf(made).verdict], ['done', 'not-provable'])
  assert.match(words(made), /cannot be looked at: http:\/\/127\.0\.0\.1:1\/if\/flow.* cannot be asked for a cookie/)
})
