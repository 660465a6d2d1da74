import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { liveKey } from '../../src/components/openbao/capture/keys.ts'
import { at, startOpenbao } from '../parts/openbao.ts'
import { startProxy } from '../parts/openbao-proxy.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const bao = await startOpenbao('raft')
const context = testContext()
for (const mount of ['s', 'first'])
  await bao.must('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
await bao.must('POST', 'sys/mounts/p', { type: 'kv' })

/** A number that JSON.stringify cannot write. */
async function put(path: string, text: string): Promise<void> {
  const headers = { 'X-Vault-Token': bao.server.rootToken.reveal() }
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request(`${bao.server.address}/v1/${path}`, { method: 'POST', headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode))
    })
    sent.on('error', reject).end(text)
  })
  assert.ok(status === 200 || status === 204, `${path}: ${status}`)
}

await bao.must('POST', 's/data/good', { data: { v: 'captured' } })
await put('s/data/new', '{"data":{"v":1e400}}')
await put('s/data/old', '{"data":{"v":[{"deep":-1e999}]}}')
await bao.must('POST', 's/data/old', { data: { v: 'captured' } })
await bao.must('POST', 's/data/later', { data: { v: 'captured' } })
await put('first/data/a', '{"data":{"v":1e400}}')
await put('p/a', '{"v":1e400}')
const settings = bao.settings({ snapshot: 'require' })
/** The last is from the time before it could not be read. */
const before = await captureToMemory(settings)
await put('s/data/later', '{"data":{"v":1e400}}')
const point = await captureToMemory(settings)

test('what the server cannot read is named, the rest and the snapshot are in the point, and no part of it is told', () => {
  assert.deepEqual(point.incomplete?.toSorted(), [
    'The server cannot read version 1 of secret first/a, which is not in the point',
    'The server cannot read version 1 of secret s/new, which is not in the point',
    'The server cannot read version 1 of secret s/old, which is not in the point',
    'The server cannot read version 2 of secret s/later, which is not in the point',
  ])
  assert.equal(point.details.secrets, 6)
  assert.notEqual(point.details.snapshot, null)
  assert.ok(!JSON.stringify([point.incomplete, point.notCaptured]).includes('e400'))
})

test('without lists that carry metadata it is the same', async () => {
  const alone = await captureToMemory(bao.settings({ scan: false, mounts: ['s'], snapshot: 'off' }))
  assert.equal(alone.incomplete?.length, 3)
})

test('check says it of what it reads, and a single read fails as damage, without the value', async () => {
  const findings = await checkOpenbao(settings, context)
  const level = (subject: string): string | undefined => findings.find((one) => one.subject === subject)?.level
  assert.deepEqual([level('mount first'), level('mount s'), level('mount p')], ['warning', 'ok', 'ok'])
  await assert.rejects(liveKey(settings, 's/new#v', context), { kind: 'corrupt', message: /cannot read$/ })
})

test('a restore over it brings back what the point has, and leaves what nobody can read', async () => {
  for (const [given, later] of [
    [point, 500],
    [before, 200],
  ] as const) {
    const request = { mode: 'swap', restoreId: '01234567', scratchFolder: '/nowhere' } as const
    const target = await openbaoDriver.open(settings, request, context)
    await target.load(given.details, given.source, context)
    await target.swap(given.details, context)
    await target.forget(context)
    assert.equal((await bao.ask('GET', 's/data/later')).status, later)
  }
  assert.equal((await bao.ask('GET', 's/data/new')).status, 500)
  assert.deepEqual(at((await bao.ask('GET', 's/data/later')).body, 'data', 'data'), { v: 'captured' })
})

test('another server gets what could be read, under the numbers it had', async () => {
  const other = await startOpenbao('inmem')
  const given = other.settings({ createMounts: true })
  const target = await openbaoDriver.open(given, { mode: 'in-place', restoreId: '01234567' }, context)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  assert.deepEqual(await target.compare(point.details, context), [])
  assert.deepEqual(at(await other.must('GET', 's/data/old'), 'data', 'data'), { v: 'captured' })
  assert.deepEqual(at(await other.must('GET', 's/data/later?version=1'), 'data', 'data'), { v: 'captured' })
})

test('whatever the reason, one secret that is answered with 500 is named, and a server that answers nothing else fails', async () => {
  const proxy = await startProxy(bao.server.address)
  const through = bao.settings({ address: proxy.address, retrySeconds: 1, mounts: ['s', 'p'], snapshot: 'off' })
  const damaged = { status: 500, body: { errors: ['cipher: message authentication failed'] } }
  const bad = ['/v1/s/data/good?version=1', '/v1/p/a']
  proxy.fault = ({ path }) => (bad.includes(path) ? damaged : undefined)
  const { incomplete = [], details } = await captureToMemory(through)
  for (const what of ['version 1 of secret s/good', 'secret p/a'])
    assert.ok(incomplete.includes(`The server cannot read ${what}, which is not in the point`), incomplete.join())
  assert.equal(details.mounts.find(({ path }) => path === 'p')?.secrets, 0)
  proxy.fault = ({ path }) => (/\/data\/|lookup-self/.test(path) ? damaged : undefined)
  await assert.rejects(captureToMemory(through), { kind: 'unreachable', message: /message authentication failed/ })
})
