import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { withClient } from '../../src/components/openbao/client/connect.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { entryLine } from '../../src/components/openbao/kv/entry.ts'
import { policyFor } from '../../src/components/openbao/capture/policies.ts'
import { isFailure } from '../../src/core/failure.ts'
import { at, startOpenbao } from '../parts/openbao.ts'
import { captureToMemory, sourceOf } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const bao = await startOpenbao('raft')
const context = testContext()
await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
await bao.must('POST', 'sys/mounts/p', { type: 'kv' })
await bao.must('POST', 's/data/folder/a', { data: { v: 'captured' } })
await bao.must('POST', 's/data/b', { data: { v: 'x' } })
await bao.must('PUT', 's/destroy/b', { versions: [1] })
await bao.must('POST', 'p/folder/a', { v: 'captured' })

test('a token with nothing but the printed policies captures, restores and undoes', { timeout: 300_000 }, async () => {
  const reader = await bao.tokenWith(await policyFor(bao.settings(), 'capture', context))
  const writer = await bao.tokenWith(await policyFor(bao.settings(), 'restore', context))
  const settings = bao.settings({ token: reader, restoreToken: writer, snapshot: 'require' })
  assert.deepEqual(
    (await checkOpenbao(settings, context)).filter(({ level }) => level === 'error' || level === 'warning'),
    [],
  )
  const point = await captureToMemory(settings)
  assert.equal(point.details.secrets, 3)
  assert.ok(point.details.snapshot !== null && point.details.keyring !== null)
  assert.ok(!point.notCaptured.some((text) => text.startsWith('Not readable')), point.notCaptured.join())
  await bao.must('POST', 's/data/folder/a', { data: { v: 'live' } })
  await bao.must('DELETE', 'p/folder/a')
  const target = await openbaoDriver.open(settings, { mode: 'swap', restoreId: '0a1b2c3d' }, context)
  const findings = await target.preflight(point.details, context)
  assert.deepEqual(
    findings.filter(({ level }) => level === 'error' || level === 'untested'),
    [],
  )
  await target.load(point.details, point.source, context)
  await target.swap(point.details, context)
  assert.deepEqual(at(await bao.must('GET', 's/data/folder/a'), 'data', 'data'), { v: 'captured' })
  await target.undo(context)
  assert.deepEqual(at(await bao.must('GET', 's/data/folder/a'), 'data', 'data'), { v: 'live' })
  await target.forget(context)
  assert.equal((await bao.ask('GET', 'p/holdfast-restore?list=true')).status, 404)
  for (const [method, path, token] of [
    ['POST', 's/data/b', reader],
    ['DELETE', 's/metadata/b', writer],
    ['DELETE', 's/data/b', writer],
    ['GET', 'sys/storage/raft/snapshot', writer],
    ['POST', 'sys/mounts/other', writer],
  ] as const)
    assert.equal((await bao.ask(method, path, {}, token)).status, 403, `${method} ${path}`)
  const weak = bao.settings({ token: reader })
  const denied = await (
    await openbaoDriver.open(weak, { mode: 'swap', restoreId: '0a1b2c3d' }, context)
  ).preflight(point.details, context)
  assert.ok(denied.some(({ level, subject }) => level === 'error' && subject === 'right on s/data/holdfast'))
})

test('without rights on lists of metadata or on one secret, the result says so', async () => {
  const base =
    'path "sys/mounts" { capabilities = ["read"] } path "p/*" { capabilities = ["read","list"] } path "s/config" { capabilities = ["read"] } path "s/metadata/*" { capabilities = ["read","list"] }'
  const plain = bao.settings({ token: await bao.tokenWith(`${base} path "s/data/*" { capabilities = ["read"] }`) })
  const point = await captureToMemory(plain)
  assert.equal(point.details.mounts.find(({ path }) => path === 's')?.secrets, 2)
  assert.ok(
    point.notCaptured.some((text) => text.includes('may not read sys/storage/raft/snapshot')),
    point.notCaptured.join(),
  )
  await assert.rejects(captureToMemory({ ...plain, snapshot: 'require' }), (error) => isFailure(error, 'incomplete'))
  const one = bao.settings({
    token: await bao.tokenWith(
      `${base} path "s/data/*" { capabilities = ["read"] } path "s/data/folder/a" { capabilities = ["deny"] }`,
    ),
  })
  assert.deepEqual((await captureToMemory(one)).incomplete, [
    'This token may not read secret s/folder/a, which is not in the point',
  ])
})

test('login by AppRole, renewed before it ends and made anew near its longest life', { timeout: 300_000 }, async () => {
  await bao.must('PUT', 'sys/policies/acl/reads', { policy: await policyFor(bao.settings(), 'capture', context) })
  await bao.must('POST', 'sys/auth/approle', { type: 'approle' })
  await bao.must('POST', 'auth/approle/role/backup', {
    token_policies: ['reads'],
    token_ttl: '1s',
    token_max_ttl: '2s',
  })
  const role = await bao.must('GET', 'auth/approle/role/backup/role-id')
  const secret = await bao.must('POST', 'auth/approle/role/backup/secret-id', {})
  const appRole = { roleId: String(at(role, 'data', 'role_id')), secretId: String(at(secret, 'data', 'secret_id')) }
  const settings = bao.settings({ appRole })
  await withClient(settings, 'capture', context, async (client) => {
    for (let n = 0; n < 16; n += 1) {
      await client.call({ path: 's/data/folder/a' })
      await context.clock.sleep(250, context.signal)
    }
  })
  await assert.rejects(
    captureToMemory(bao.settings({ appRole: { ...appRole, secretId: 'wrong' } })),
    (error: unknown) => isFailure(error, 'denied') && error.message.includes('login was refused'),
  )
})

test('a token that ends in the middle is told from a missing right', async () => {
  const token = await bao.tokenWith(await policyFor(bao.settings(), 'capture', context), '1s')
  await context.clock.sleep(1500, context.signal)
  await assert.rejects(
    captureToMemory(bao.settings({ token })),
    (error: unknown) => isFailure(error, 'denied') && error.message.includes('the token is not valid'),
  )
})

test('a rate limit slows a capture down and does not fail it', { timeout: 300_000 }, async () => {
  await bao.must('POST', 'sys/quotas/rate-limit/slow', { rate: 10, interval: '1s', path: 's' })
  for (let n = 0; n < 12; n += 1) await bao.must('POST', `p/more/${n}`, { n })
  const point = await captureToMemory(bao.settings({ retrySeconds: 30 }))
  assert.ok(point.details.secrets > 12)
  await bao.must('DELETE', 'sys/quotas/rate-limit/slow')
})

test('a value that raft does not take makes the restore incomplete', async () => {
  await bao.must('POST', 'p/big', { text: 'x' })
  const point = await captureToMemory(bao.settings({ mounts: ['p'] }))
  const line = Buffer.from(entryLine({ kv: 1, mount: 'p', path: 'big', data: { text: 'x'.repeat(1_200_000) } }))
  const details = { ...point.details, secrets: 1, sha256: createHash('sha256').update(line).digest('hex') }
  const target = await openbaoDriver.open(bao.settings(), { mode: 'in-place', restoreId: '0a1b2c3d' }, context)
  await assert.rejects(
    target.load(details, sourceOf(new Map([['secrets', line]])), context),
    (error: unknown) => isFailure(error, 'incomplete') && /p\/big: .*more than the server takes/.test(error.message),
  )
})

test('a sealed server and a killed one are unreachable, and say which', { timeout: 300_000 }, async () => {
  await bao.server.restart()
  const settings = bao.settings({ retrySeconds: 0.2 })
  await assert.rejects(
    captureToMemory(settings),
    (error: unknown) => isFailure(error, 'unreachable') && error.message.includes('sealed'),
  )
  assert.deepEqual(
    (await checkOpenbao(settings, context)).map(({ level }) => level),
    ['error'],
  )
  await bao.server.unseal(bao.server.unsealKey)
  assert.ok((await captureToMemory(bao.settings())).details.secrets > 3)
  await bao.server.kill()
  await assert.rejects(
    captureToMemory(settings),
    (error: unknown) => isFailure(error, 'unreachable') && error.message.includes('cannot be reached'),
  )
})
