import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { withClient } from '../../src/components/openbao/client/connect.ts'
import { policyFor } from '../../src/components/openbao/capture/policies.ts'
import { isFailure } from '../../src/core/failure.ts'
import { at, startOpenbao } from '../parts/openbao.ts'
import { startProxy } from '../parts/openbao-proxy.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** Tokens that change or end while a backup runs. */
const bao = await startOpenbao('raft')
const proxy = await startProxy(bao.server.address)
const folder = await mkdtemp(join(tmpdir(), 'holdfast-tokens-'))
after(() => rm(folder, { recursive: true, force: true }))
const context = testContext()
const file = join(folder, 'token')
await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
for (let n = 0; n < 60; n += 1) await bao.must('POST', `s/data/f/${n}`, { data: { n } })
const policy = await policyFor(bao.settings(), 'capture', context)
const settings = (over: Readonly<Record<string, unknown>> = {}): ReturnType<typeof bao.settings> =>
  bao.settings({ address: proxy.address, token: `file:${file}`, retrySeconds: 2, ...over })

beforeEach(() => {
  proxy.fault = () => undefined
  proxy.answered = () => {}
})

/** Writes a token, and lets `act` happen before the thirtieth request for contents. */
async function captureAnd(act: (first: string) => Promise<unknown>): Promise<number> {
  const first = await bao.tokenWith(policy)
  await writeFile(file, `${first}\n`, { mode: 0o600 })
  let seen = 0
  proxy.fault = async ({ path }) => {
    if (path.startsWith('/v1/s/data/') && (seen += 1) === 30) await act(first)
    return undefined
  }
  return (await captureToMemory(settings())).details.secrets
}

const revoke = (token: string): Promise<unknown> => bao.must('POST', 'auth/token/revoke', { token })

test('a token file that is replaced in the middle is read again, and the capture goes on', async () => {
  const next = await bao.tokenWith(policy)
  const secrets = await captureAnd(async (first) => {
    await writeFile(file, `${next}\n`)
    await revoke(first)
  })
  assert.equal(secrets, 60)
})

for (const [what, content, kind, message] of [
  ['another, wrong token', 's.wrong', 'denied', /the token of file:.* is not valid, or no longer/],
  ['rubbish', 'not a\ntoken\u0000', 'usage', /file:.* holds no token/],
  ['nothing', '\n', 'usage', /file:.* is empty/],
] as const)
  test(`a token file that is replaced by ${what} ends the capture with its name`, async () => {
    await assert.rejects(
      captureAnd(async (first) => {
        await writeFile(file, content)
        await revoke(first)
      }),
      (error: unknown) => isFailure(error, kind) && message.test(error.message) && error.message.includes(file),
    )
  })

test('a token file that cannot be read for a while fails nothing, until the token is refused', async () => {
  const first = await bao.tokenWith(policy)
  await writeFile(file, first)
  let passed = 0
  const clock = {
    ...context.clock,
    now: () => context.clock.now(),
    monotonic: () => context.clock.monotonic() + passed,
  }
  await withClient(settings(), 'capture', { ...context, clock }, async (client) => {
    const read = (): Promise<number> => client.call({ path: 's/data/f/1' }).then(({ status }) => status)
    assert.equal(await read(), 200)
    for (const broken of ['', 'not a\ntoken']) {
      await writeFile(file, broken)
      passed += 60_000
      assert.equal(await read(), 200)
    }
    await revoke(first)
    await assert.rejects(read(), (error: unknown) => isFailure(error, 'usage') && error.message.includes(file))
    await writeFile(file, await bao.tokenWith(policy))
    assert.equal(await read(), 200)
  })
})

test('a token is renewed at two thirds, and made anew near its longest life, so that no read is refused', async () => {
  await bao.must('PUT', 'sys/policies/acl/reads', { policy })
  await bao.must('POST', 'sys/auth/approle', { type: 'approle' })
  const limits = { token_policies: ['reads'], token_ttl: '3s', token_max_ttl: '6s' }
  await bao.must('POST', 'auth/approle/role/backup', limits)
  const role = await bao.must('GET', 'auth/approle/role/backup/role-id')
  const secret = await bao.must('POST', 'auth/approle/role/backup/secret-id', {})
  const appRole = { roleId: String(at(role, 'data', 'role_id')), secretId: String(at(secret, 'data', 'secret_id')) }
  const seen: { readonly path: string; readonly status: number; readonly time: number }[] = []
  proxy.answered = ({ path }, status) => seen.push({ path, status, time: Date.now() })
  await withClient(settings({ appRole, token: undefined }), 'capture', context, async (client) => {
    for (let n = 0; n < 90; n += 1) {
      await client.call({ path: `s/data/f/${n % 60}` })
      await context.clock.sleep(100, context.signal)
    }
  })
  const of = (path: string): typeof seen => seen.filter((one) => one.path === `/v1/auth/${path}`)
  const [[login, ...logins], [renewed]] = [of('approle/login'), of('token/renew-self')]
  // A renewal within the last second of the longest life is a 500 of the server, and asked once.
  const refused = seen.filter(({ status }) => status >= 300)
  assert.ok(
    refused.every(({ path, status }) => path.endsWith('/renew-self') && status === 500),
    JSON.stringify(refused),
  )
  assert.ok(refused.length <= logins.length + 1)
  assert.ok(login !== undefined && logins.length > 0 && renewed !== undefined)
  const waited = renewed.time - login.time
  assert.ok(waited >= 1900 && waited < 2900, `renewed ${waited} ms after the login`)
})

test('a login whose connection breaks is made again', async () => {
  const role = await bao.must('GET', 'auth/approle/role/backup/role-id')
  const secret = await bao.must('POST', 'auth/approle/role/backup/secret-id', {})
  const appRole = { roleId: String(at(role, 'data', 'role_id')), secretId: String(at(secret, 'data', 'secret_id')) }
  let tries = 0
  proxy.fault = ({ path }) =>
    path === '/v1/auth/approle/login' && (tries += 1) < 3 ? (tries === 1 ? 'cut before' : 'cut after') : undefined
  const point = await captureToMemory(settings({ appRole, token: undefined }))
  assert.deepEqual([point.details.secrets, tries], [60, 3])
})
