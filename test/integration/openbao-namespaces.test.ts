import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { policyFor } from '../../src/components/openbao/capture/policies.ts'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { isFailure } from '../../src/core/failure.ts'
import { at, startOpenbao } from '../parts/openbao.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const [bao, other] = [await startOpenbao('raft'), await startOpenbao('inmem')]
const context = testContext()
const limit = { timeout: 300_000 }
const V2 = { type: 'kv', options: { version: '2' } }

await bao.must('POST', 'sys/namespaces/team1')
await bao.must('POST', 'team1/sys/namespaces/sub')
await bao.must('POST', 'sys/namespaces/team2')
for (const mount of ['sys/mounts/kv', 'team1/sys/mounts/kv', 'team1/sub/sys/mounts/deep/er', 'team2/sys/mounts/a/b'])
  await bao.must('POST', mount, mount.includes('a/b') ? { type: 'kv' } : V2)
await bao.must('POST', 'kv/data/x', { data: { of: 'root' } })
await bao.must('POST', 'team1/kv/data/x', { data: { of: 'team1' } })
await bao.must('POST', 'team1/sub/deep/er/data/folder/x', { data: { of: 'sub' } })
await bao.must('POST', 'team2/a/b/x', { of: 'team2' })
await bao.must('PUT', 'team1/sys/policies/acl/theirs', { policy: 'path "kv/*" { capabilities = ["read"] }' })

const ALL: readonly (readonly [string, string | undefined])[] = [
  ['kv', undefined],
  ['team1/kv', 'team1'],
  ['team1/sub/deep/er', 'team1/sub'],
  ['team2/a/b', 'team2'],
]

test('all namespaces below are captured, and come back where there are none', limit, async () => {
  const point = await captureToMemory(bao.settings({ namespaces: 'all' }))
  assert.deepEqual(
    point.details.mounts.map(({ path, namespace }) => [path, namespace]),
    ALL,
  )
  assert.equal(point.details.secrets, 4)
  assert.match(String(point.artifacts.get('configuration')), /"path":"team1\/sys\/policies\/acl\/theirs"/)
  const into = other.settings({ namespaces: 'all', createMounts: true })
  for (const run of ['into nothing', 'again']) {
    const target = await openbaoDriver.open(into, request('in-place'), context)
    await target.load(point.details, point.source, context)
    assert.deepEqual(await target.compare(point.details, context), [], run)
  }
  const value = await other.must('GET', 'team1/sub/deep/er/data/folder/x')
  assert.deepEqual(at(value, 'data', 'data'), { of: 'sub' })
  assert.deepEqual(at(await other.must('GET', 'team2/a/b/x'), 'data'), { of: 'team2' })
  assert.equal(at(await other.must('GET', 'sys/mounts'), 'data', 'team2/a/b/'), undefined)
})

test('a drill makes the namespaces on its throw-away server', limit, async () => {
  const point = await captureToMemory(bao.settings({ namespaces: 'all' }))
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const target = new ScratchTarget(bao.settings({ namespaces: 'all' }), {
    mode: 'scratch',
    restoreId: '0a1b2c3d',
    scratchFolder: folder,
  })
  try {
    await target.load(point.details, point.source, context)
    assert.deepEqual(await target.compare(point.details, context), [])
  } finally {
    await target.discard(context)
    await rm(folder, { recursive: true, force: true })
  }
})

test('the printed policies are enough for all namespaces, to capture, to restore and to undo', limit, async () => {
  const all = bao.settings({ namespaces: 'all' })
  const token = await bao.tokenWith(await policyFor(all, 'capture', context))
  const restoreToken = await bao.tokenWith(await policyFor(all, 'restore', context))
  const settings = bao.settings({ namespaces: 'all', token, restoreToken, snapshot: 'require' })
  assert.deepEqual(notOk(await checkOpenbao(settings, context)), [])
  const point = await captureToMemory(settings)
  assert.ok(!point.notCaptured.some((text) => text.startsWith('Not readable')), point.notCaptured.join())
  await bao.must('POST', 'team1/kv/data/x', { data: { of: 'live' } })
  const target = await openbaoDriver.open(settings, request('swap'), context)
  assert.deepEqual(
    (await target.preflight(point.details, context)).filter(({ level }) => ['error', 'untested'].includes(level)),
    [],
  )
  await target.load(point.details, point.source, context)
  await target.swap(point.details, context)
  assert.deepEqual(at(await bao.must('GET', 'team1/kv/data/x'), 'data', 'data'), { of: 'team1' })
  await target.undo(context)
  assert.deepEqual(at(await bao.must('GET', 'team1/kv/data/x'), 'data', 'data'), { of: 'live' })
  await target.forget(context)
  assert.deepEqual(await openbaoDriver.listRetained(settings, context), [])
})

test('the policy of a restore that makes mounts makes namespaces, too', limit, async () => {
  const point = await captureToMemory(bao.settings({ namespaces: 'all' }))
  const policy = await policyFor(bao.settings({ namespaces: 'all', createMounts: true }), 'restore', context)
  await other.must('DELETE', 'team1/sub/sys/mounts/deep/er')
  await gone('team1/sub', () => other.ask('DELETE', 'team1/sys/namespaces/sub'))
  const token = await other.tokenWith(policy)
  const settings = other.settings({ namespaces: 'all', createMounts: true, token })
  const target = await openbaoDriver.open(settings, request('in-place'), context)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
})

test('a namespace that was made later is denied by its name, and not left out', limit, async () => {
  const token = await bao.tokenWith(await policyFor(bao.settings({ namespaces: 'all' }), 'capture', context))
  await bao.must('POST', 'team2/sys/namespaces/later')
  await assert.rejects(
    captureToMemory(bao.settings({ namespaces: 'all', token })),
    (error: unknown) => isFailure(error, 'denied') && error.message.includes('team2/later/sys/namespaces'),
  )
  await gone('team2/later', () => bao.ask('DELETE', 'team2/sys/namespaces/later'))
})

test('of one namespace: what is below is named in the check and in the point', limit, async () => {
  const named = (texts: readonly string[]): boolean =>
    texts.some((text) => text.includes('namespaces below are not captured: team1, team2'))
  const point = await captureToMemory(bao.settings())
  assert.deepEqual([point.details.secrets, named(point.notCaptured)], [1, true], point.notCaptured.join())
  assert.ok(named(notOk(await checkOpenbao(bao.settings(), context)).map(({ message }) => message)))
  assert.ok(!named(notOk(await checkOpenbao(bao.settings({ namespaces: 'own' }), context)).map((one) => one.message)))
  const inside = await captureToMemory(bao.settings({ namespace: 'team1', namespaces: 'all' }))
  assert.deepEqual(
    inside.details.mounts.map(({ path, namespace }) => [path, namespace]),
    [
      ['kv', undefined],
      ['sub/deep/er', 'sub'],
    ],
  )
  assert.deepEqual([inside.details.namespace, inside.details.snapshot], ['team1', null])
  const blind = await bao.tokenWith(
    'path "sys/mounts" { capabilities = ["read"] } path "kv/*" { capabilities = ["read", "list"] }',
  )
  const { notCaptured } = await captureToMemory(bao.settings({ token: blind }))
  assert.ok(
    notCaptured.some((text) => text.includes('may not list sys/namespaces')),
    notCaptured.join(),
  )
  await assert.rejects(captureToMemory(bao.settings({ token: blind, namespaces: 'all' })), (error: unknown) =>
    isFailure(error, 'denied'),
  )
})

function request(mode: 'in-place' | 'swap'): Parameters<typeof openbaoDriver.open>[1] {
  return { mode, restoreId: '0a1b2c3d' }
}

function notOk(findings: Awaited<ReturnType<typeof checkOpenbao>>): readonly (typeof findings)[number][] {
  return findings.filter(({ level }) => level === 'error' || level === 'warning')
}

/** A namespace goes in the background. */
async function gone(path: string, remove: () => Promise<unknown>): Promise<void> {
  await remove()
  const [, parent = '', name = ''] = /^(.*)\/([^/]+)$/.exec(path) ?? []
  for (const server of [bao, other])
    for (let waited = 0; waited < 20_000; waited += 100) {
      if ((await server.ask('GET', `${parent}/sys/namespaces/${name}`)).status === 404) break
      if (server === bao && path === 'team1/sub') break
      await context.clock.sleep(100, context.signal)
    }
}
