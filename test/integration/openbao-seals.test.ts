import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { restoreSnapshot } from '../../src/components/openbao/snapshot/snapshot-restore.ts'
import { systemClock } from '../../src/system/clock.ts'
import { at } from '../parts/openbao.ts'
import { makeNode, nodeSettings, untilActive } from '../parts/openbao-node.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import type { MemoryPoint } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const context = testContext()
const limit = { timeout: 300_000 }
const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
after(() => rm(folder, { recursive: true, force: true }))
const [first, second, other] = [randomBytes(32), randomBytes(32), randomBytes(32)]
const fileOf = async (name: string, key: Buffer): Promise<string> => {
  await writeFile(join(folder, name), key, { mode: 0o600 })
  return join(folder, name)
}
const [firstFile, otherFile] = [await fileOf('first', first), await fileOf('other', other)]
const node = await makeNode(
  serverWith(`current_key_id = "k1"
  current_key = "file://${firstFile}"`),
)
await node.start()
const made = await node.must('PUT', 'sys/init', { recovery_shares: 3, recovery_threshold: 2 })
const token = String(at(made, 'root_token'))
const recovery = [0, 1, 2].map((place) => String(at(made, 'recovery_keys', String(place))))
await untilActive([node])
await node.must('POST', 'sys/mounts/p', { type: 'kv' }, token)
await node.must('POST', 'p/a', { v: 'captured' }, token)
const point = await captureToMemory(await nodeSettings(node, { token, key: '' }, { snapshot: 'require' }))

function serverWith(seal: string): Parameters<typeof makeNode>[0] {
  const config = `storage "raft" {
  path = "$FOLDER/data"
  node_id = "one"
  performance_multiplier = 1
}
seal "static" {
  ${seal}
}
listener "tcp" {
  address = "$ADDRESS"
  cluster_address = "$CLUSTER"
  tls_disable = true
}`
  return { config }
}

interface Drilled {
  readonly rehearsed: readonly string[]
  readonly description: string
}

/** A server that does not open itself is waited for a minute; of this clock, three times as fast, that is soon over. */
const hasty = testContext({ clock: { ...systemClock, monotonic: () => systemClock.monotonic() * 3 } })

async function drill(over: object, given: MemoryPoint = point, patience = context): Promise<Drilled> {
  const scratchFolder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const configured = await nodeSettings(node, { token, key: '' }, { ...over })
  const target = new ScratchTarget(configured, { mode: 'scratch', restoreId: '01234567', scratchFolder })
  try {
    await target.load(given.details, given.source, patience)
    assert.deepEqual(await target.compare(given.details, patience), [])
    return { rehearsed: target.rehearsed(), description: target.description }
  } finally {
    await target.discard(context)
    await rm(scratchFolder, { recursive: true, force: true })
  }
}

test('a drill opens the snapshot of a static seal with its key and the recovery keys', limit, async () => {
  const drillUnsealKeys = recovery.slice(1)
  for (const key of [`file:${firstFile}`, first.toString('hex'), first.toString('base64')])
    assert.deepEqual((await drill({ drillUnsealKeys, drillSealKeys: [{ id: 'k1', key }] })).rehearsed, [
      'raft-snapshot',
    ])
})

test('a drill opens it with the key of now and the one of before', limit, async () => {
  const drillSealKeys = [
    { id: 'k2', key: second.toString('hex') },
    { id: 'k1', key: `file:${firstFile}` },
  ]
  assert.deepEqual((await drill({ drillUnsealKeys: recovery.slice(1), drillSealKeys })).rehearsed, ['raft-snapshot'])
})

test('without these keys it says what was not tried, and with wrong ones it fails', limit, async () => {
  const withoutSeal = await drill({ drillUnsealKeys: recovery })
  assert.deepEqual(withoutSeal.rehearsed, [])
  assert.match(withoutSeal.description, /NOT tried: drillSealKeys gives no key of the static seal/)
  const seal = { drillSealKeys: [{ id: 'k1', key: `file:${firstFile}` }] }
  assert.match((await drill(seal)).description, /NOT tried: drillUnsealKeys gives no recovery keys/)
  const wrong = { drillUnsealKeys: recovery, drillSealKeys: [{ id: 'k1', key: `file:${otherFile}` }] }
  await assert.rejects(drill(wrong, point, hasty), {
    kind: 'refused',
    message: /drillSealKeys do not open the raft snapshot/,
  })
  const few = { ...seal, drillUnsealKeys: recovery.slice(0, 1) }
  await assert.rejects(drill(few), { kind: 'refused', message: /too few/ })
})

test('seals that a throw-away server cannot have are named, and are no damage', limit, async () => {
  for (const type of ['transit', 'awskms']) {
    const seal = { type, threshold: 2, shares: 3 }
    const given = { ...point, details: { ...point.details, seal } }
    for (const over of [{}, { drillUnsealKeys: recovery }]) {
      const { rehearsed, description } = await drill(over, given)
      assert.deepEqual(rehearsed, [])
      assert.match(description, new RegExp(`NOT tried: the ${type} seal .*not be tested here`))
    }
  }
})

test('the same server becomes what it was and opens itself', limit, async () => {
  const settings = await nodeSettings(node, { token, key: '' }, { retrySeconds: 60 })
  await node.must('POST', 'p/a', { v: 'live' }, token)
  const restored = await restoreSnapshot(
    settings,
    point.details,
    point.source,
    { custody: undefined, onlyLook: false },
    context,
  )
  assert.deepEqual(restored, { forced: false, state: 'read' })
})
