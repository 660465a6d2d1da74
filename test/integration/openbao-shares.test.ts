import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { restoreSnapshot } from '../../src/components/openbao/snapshot/snapshot-restore.ts'
import { Secret } from '../../src/core/secret.ts'
import { at, startOpenbao } from '../parts/openbao.ts'
import { initialiseWith, makeNode, nodeSettings, untilActive } from '../parts/openbao-node.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import type { MemoryPoint } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const context = testContext()
const limit = { timeout: 300_000 }
const LOOK = { custody: undefined, onlyLook: false }
/** As `bao operator init` makes one where nobody says otherwise. */
const node = await makeNode({
  config: `storage "raft" {
  path = "$FOLDER/data"
  node_id = "one"
  performance_multiplier = 1
}
listener "tcp" {
  address = "$ADDRESS"
  cluster_address = "$CLUSTER"
  tls_disable = true
}`,
})
await node.start()
const made = await initialiseWith(node, 5, 3)
const settings = await nodeSettings(node, { token: made.token, key: '' }, { snapshot: 'require' })
await node.must('POST', 'sys/mounts/p', { type: 'kv' }, made.token)
await node.must('POST', 'p/a', { v: 'captured' }, made.token)
const point = await captureToMemory(settings)

async function drill(given: MemoryPoint, drillUnsealKeys: readonly string[]): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const request = { mode: 'scratch', restoreId: '01234567', scratchFolder: folder } as const
  const configured = await nodeSettings(node, { token: made.token, key: '' }, { drillUnsealKeys })
  const target = new ScratchTarget(configured, request)
  try {
    await target.load(given.details, given.source, context)
    assert.deepEqual(await target.compare(given.details, context), [])
    return target.rehearsed()
  } finally {
    await target.discard(context)
    await rm(folder, { recursive: true, force: true })
  }
}

test('a drill opens the snapshot of a server of five shares, with three of them or with all', limit, async () => {
  assert.deepEqual([point.details.seal.threshold, point.details.seal.shares], [3, 5])
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = made.keys
  assert.deepEqual(await drill(point, [fifth, second, fourth]), ['raft-snapshot'])
  assert.deepEqual(await drill(point, [first, second, third, fourth, fifth]), ['raft-snapshot'])
})

test('three keys of which one is wrong open nothing', limit, async () => {
  const [first = '', second = '', third = ''] = made.keys
  const wrong = `${third.startsWith('00') ? '11' : '00'}${third.slice(2)}`
  await assert.rejects(drill(point, [first, second, wrong]), { kind: 'refused', message: /do not open the raft/ })
})

test('a server of one share opens with three once it has it and was restarted', limit, async () => {
  const other = await startOpenbao('raft')
  const force = { custody: 'the board, in two safes', onlyLook: false }
  const restored = await restoreSnapshot(other.settings(), point.details, point.source, force, context)
  assert.deepEqual(restored, { forced: true, state: 'sealed' })
  const keys = made.keys.slice(0, 3).map((key) => new Secret(key))
  await assert.rejects(other.server.unsealWith(keys))
  await other.server.restart()
  await other.server.unsealWith(keys)
  const { body } = await other.ask('GET', 'p/a', undefined, made.token)
  assert.deepEqual(at(body, 'data'), { v: 'captured' })
})

test('after a rekey to other shares the new point opens with the new ones', limit, async () => {
  const rekeyed = await rekey(3, 2)
  const later = await captureToMemory(settings)
  assert.deepEqual([later.details.seal.threshold, later.details.seal.shares], [2, 3])
  assert.deepEqual(await drill(later, rekeyed.slice(1)), ['raft-snapshot'])
  await assert.rejects(drill(point, rekeyed), { kind: 'refused', hint: /3 of the 5 .* when the point was captured/ })
  assert.deepEqual(await drill(point, made.keys.slice(0, 3)), ['raft-snapshot'])
})

test('the same server takes a snapshot from before a rekey once somebody says who has its keys', limit, async () => {
  await assert.rejects(restoreSnapshot(settings, point.details, point.source, LOOK, context), {
    kind: 'refused',
    message: /rekeyed/,
    hint: /shamir, 3 of 5.*--unseal-keys-with/,
  })
  const force = { custody: 'the board, in two safes', onlyLook: false }
  const looked = await restoreSnapshot(settings, point.details, point.source, { ...force, onlyLook: true }, context)
  assert.deepEqual(looked, { forced: true, state: 'not touched' })
  const restored = await restoreSnapshot(settings, point.details, point.source, force, context)
  // What encrypts the storage is the same; only after the next start the keys of then are asked for.
  assert.deepEqual(restored, { forced: true, state: 'read' })
  await node.kill()
  await node.start()
  for (const key of made.keys.slice(0, 3)) await node.must('PUT', 'sys/unseal', { key })
  await untilActive([node])
  assert.deepEqual(at(await node.must('GET', 'p/a', undefined, made.token), 'data'), { v: 'captured' })
})

test('a rekey to as many shares as before is found by the server, and has the same way on', limit, async () => {
  const before = await captureToMemory(settings)
  const keys = await rekey(5, 3)
  await assert.rejects(restoreSnapshot(settings, before.details, before.source, LOOK, context), {
    kind: 'refused',
    hint: /--unseal-keys-with/,
  })
  const force = { custody: 'the board, in two safes', onlyLook: false }
  const restored = await restoreSnapshot(settings, before.details, before.source, force, context)
  assert.deepEqual(restored, { forced: true, state: 'read' })
  assert.equal(keys.length, 5)
})

async function rekey(secret_shares: number, secret_threshold: number): Promise<readonly string[]> {
  const body = { secret_shares, secret_threshold }
  const begun = await node.must('PUT', 'sys/rotate/root/init', body, made.token)
  const nonce = at(begun, 'nonce') ?? at(begun, 'data', 'nonce')
  let keys: unknown
  for (const key of made.keys.slice(0, 3)) {
    const answer = await node.must('PUT', 'sys/rotate/root/update', { nonce, key }, made.token)
    keys = at(answer, 'keys') ?? at(answer, 'data', 'keys')
  }
  assert.ok(Array.isArray(keys))
  return keys.map(String)
}
