import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { failureOf, isForNow } from '../../src/components/openbao/client/answers.ts'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { withClient } from '../../src/components/openbao/client/connect.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { isFailure } from '../../src/core/failure.ts'
import { at } from '../parts/openbao.ts'
import { initialise, makeNode, nodeSettings, unseal, untilActive } from '../parts/openbao-node.ts'
import type { BaoNode } from '../parts/openbao-node.ts'
import { startProxy } from '../parts/openbao-proxy.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** Three servers with one raft storage. Standbys answer reads themselves, a moment late. */
const context = testContext()
const limit = { timeout: 300_000 }
const one = await makeNode({ config: configOf('one', undefined) })
await one.start()
const keys = await initialise(one)
const [two, three] = [
  await makeNode({ config: configOf('two', one) }),
  await makeNode({ config: configOf('three', one) }),
]
for (const node of [two, three]) {
  await node.start()
  await unseal(node, keys)
}
await untilVoters(3)
const must: BaoNode['must'] = (method, path, body) => one.must(method, path, body, keys.token)
await must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
for (let n = 0; n < 60; n += 1) await must('POST', `s/data/f/${String(n).padStart(3, '0')}`, { data: { n } })

/** A server that joined has no vote for its first seconds; without votes there is nobody to follow the active one. */
async function untilVoters(count: number): Promise<void> {
  for (let waited = 0; waited < 120_000; waited += 500) {
    const answer = await one.must('GET', 'sys/storage/raft/configuration', undefined, keys.token)
    const servers = at(answer, 'data', 'config', 'servers')
    if (Array.isArray(servers) && servers.filter((server) => at(server, 'voter') === true).length === count) return
    await context.clock.sleep(500, context.signal)
  }
  throw new Error('not all servers have a vote')
}

function configOf(name: string, leader: BaoNode | undefined): string {
  const join = leader === undefined ? '' : `retry_join { leader_api_addr = "${leader.address}" }`
  return `storage "raft" {
  path = "$FOLDER/data"
  node_id = "${name}"
  performance_multiplier = 5
  ${join}
}
listener "tcp" {
  address = "$ADDRESS"
  cluster_address = "$CLUSTER"
  tls_disable = true
}`
}

test(
  'a standby that lags behind and may not hand on says 429 without a word, which is no rate limit',
  limit,
  async (t) => {
    const ask = (address: string, index: string): Promise<Response> =>
      fetch(`${address}/v1/s/data/f/000`, { headers: { 'X-Vault-Token': keys.token, 'X-Vault-Index': index } })
    const now = (await ask(one.address, '')).headers.get('x-vault-index') ?? ''
    if (now === '') return t.skip('this server gives no index: its standbys hand on every read')
    const text = Buffer.from(now, 'base64').toString('utf8')
    const later = Buffer.from(text.replace(/"value":"\d+"/, '"value":"99999999"')).toString('base64')
    const said = await ask(two.address, later)
    const answer = { status: said.status, body: await said.json() }
    assert.ok(isForNow(answer))
    assert.match(failureOf(answer, 'GET s/data/f/000').message, /lags behind/)
  },
)

test('a drill opens the snapshot of three servers in one', limit, async () => {
  const point = await captureToMemory(await nodeSettings(one, keys, { snapshot: 'require' }))
  const drills = await nodeSettings(one, keys, { drillUnsealKeys: [keys.key] })
  const scratchFolder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const target = new ScratchTarget(drills, { mode: 'scratch', restoreId: '01234567', scratchFolder })
  try {
    await target.load(point.details, point.source, context)
    assert.deepEqual(await target.compare(point.details, context), [])
    assert.deepEqual(target.rehearsed(), ['raft-snapshot'])
  } finally {
    await target.discard(context)
    await rm(scratchFolder, { recursive: true, force: true })
  }
})

test('a standby is refused and named, before anything is read from it', limit, async () => {
  const standby = await nodeSettings(two, keys)
  const isStandby = (error: unknown): boolean =>
    isFailure(error, 'unreachable') && /standby/.test(error.message) && /otherNodes/.test(error.hint ?? '')
  await assert.rejects(captureToMemory(standby), isStandby)
  assert.deepEqual(
    (await checkOpenbao(standby, context)).map(({ level, message }) => [level, message.includes('standby')]),
    [['error', true]],
  )
  const point = await captureToMemory(await nodeSettings(one, keys, { snapshot: 'require' }))
  const target = await openbaoDriver.open(standby, { mode: 'in-place', restoreId: '0a1b2c3d' }, context)
  assert.ok((await target.preflight(point.details, context)).some(({ level }) => level === 'error'))
})

test('among several servers the active one is found, and all that was written is captured', limit, async () => {
  const settings = await nodeSettings(two, keys, { otherNodes: [three.address, one.address], snapshot: 'off' })
  for (let round = 0; round < 3; round += 1) {
    await must('POST', 's/data/newest', { data: { round } })
    const point = await captureToMemory(settings)
    assert.match(String(point.artifacts.get('secrets')), new RegExp(`"round":${round}`))
  }
})

test('through a standby what was written is read as it was written', limit, async () => {
  await withClient(await nodeSettings(two, keys, { retrySeconds: 60 }), 'restore', context, async (client) => {
    for (let n = 0; n < 20; n += 1) {
      await client.call({ method: 'POST', path: `s/data/own/${n}`, body: { data: { n } } })
      const read = await client.call({ path: `s/data/own/${n}`, accept: [404] })
      assert.equal(at(read.body, 'data', 'data', 'n'), n)
    }
  })
})

test(
  'the active server is killed in a capture: it fails by name, and the next one goes on elsewhere',
  limit,
  async () => {
    const proxy = await startProxy(one.address)
    let seen = 0
    proxy.fault = async ({ path }) => {
      if (path.startsWith('/v1/s/data/') && (seen += 1) === 20) await one.kill()
      return undefined
    }
    const over = { retrySeconds: 1, snapshot: 'off' }
    await assert.rejects(
      captureToMemory(await nodeSettings(one, keys, { ...over, address: proxy.address })),
      (error: unknown) => isFailure(error, 'unreachable') && error.message.includes(proxy.address),
    )
    const others = { otherNodes: [two.address, three.address], retrySeconds: 60, snapshot: 'require' }
    const point = await captureToMemory(await nodeSettings(one, keys, others))
    assert.ok(point.details.secrets >= 60)
    const active = await untilActive([two, three])
    const [standby] = [two, three].filter((node) => node !== active)
    assert.ok(standby)
    await active.kill()
    await assert.rejects(captureToMemory(await nodeSettings(standby, keys, { retrySeconds: 1 })), (error: unknown) =>
      isFailure(error, 'unreachable'),
    )
  },
)
