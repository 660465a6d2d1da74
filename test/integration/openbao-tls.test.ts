import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { z } from 'zod'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { whyNoDrill } from '../../src/components/openbao/snapshot/snapshot-drill.ts'
import { restoreSnapshot } from '../../src/components/openbao/snapshot/snapshot-restore.ts'
import { Reached } from '../../src/platforms/reached.ts'
import { LocalPlace } from '../../src/platforms/testing/local-place.ts'
import { isFailure } from '../../src/core/failure.ts'
import { makeCertificates } from '../parts/certificates.ts'
import { at } from '../parts/openbao.ts'
import { initialise, makeNode, nodeSettings } from '../parts/openbao-node.ts'
import type { BaoNode } from '../parts/openbao-node.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** As in production: TLS with a CA of one's own, and a seal that opens itself. */
const context = testContext()
const limit = { timeout: 300_000 }
const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
after(() => rm(folder, { recursive: true, force: true }))
const [own, stranger] = [await makeCertificates(folder, 'own'), await makeCertificates(folder, 'stranger')]
const sealKey = join(folder, 'seal')
await writeFile(sealKey, randomBytes(32), { mode: 0o600 })
const node = await makeNode({
  scheme: 'https',
  ca: own.ca,
  config: `storage "raft" {
  path = "$FOLDER/data"
  node_id = "one"
}
seal "static" {
  current_key_id = "k1"
  current_key = "file://${sealKey}"
}
listener "tcp" {
  address = "$ADDRESS"
  cluster_address = "$CLUSTER"
  tls_cert_file = "${own.certificate}"
  tls_key_file = "${own.key}"
}`,
})
await node.start()
const keys = await initialise(node, 'auto')
const must: BaoNode['must'] = (method, path, body) => node.must(method, path, body, keys.token)
await must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
await must('POST', 's/data/a', { data: { v: 'captured' } })

test('a server with a certificate of a CA of its own is captured and restored', limit, async () => {
  const settings = await nodeSettings(node, keys, { ca: own.ca, snapshot: 'require' })
  const point = await captureToMemory(settings)
  await must('POST', 's/data/a', { data: { v: 'live' } })
  const target = await openbaoDriver.open(settings, { mode: 'swap', restoreId: '0a1b2c3d' }, context)
  await target.load(point.details, point.source, context)
  await target.swap(point.details, context)
  assert.deepEqual(at(await must('GET', 's/data/a'), 'data', 'data'), { v: 'captured' })
  const snapshot = await restoreSnapshot(
    settings,
    point.details,
    point.source,
    { custody: undefined, onlyLook: false },
    context,
  )
  assert.deepEqual(snapshot, { forced: false, state: 'read' })
})

test('a certificate of anybody else is not trusted, and nothing is sent', limit, async () => {
  for (const ca of [undefined, stranger.ca]) {
    const settings = await nodeSettings(node, keys, { ...(ca === undefined ? {} : { ca }), retrySeconds: 0.5 })
    await assert.rejects(
      captureToMemory(settings),
      (error: unknown) =>
        isFailure(error, 'unreachable') && /certificate/.test(error.message) && /\bca\b/.test(error.hint ?? ''),
    )
    const [finding, ...more] = await checkOpenbao(settings, context)
    assert.deepEqual([finding?.level, more], ['error', []])
    assert.match(finding?.message ?? '', /certificate/)
  }
  const missing = await nodeSettings(node, keys, { ca: join(folder, 'none') })
  await assert.rejects(captureToMemory(missing), (error: unknown) => isFailure(error, 'usage'))
})

test('of a seal that opens itself the point says which, and that its key is not in it', limit, async () => {
  const settings = await nodeSettings(node, keys, { ca: own.ca, drillUnsealKeys: ['no-key'] })
  const point = await captureToMemory(settings)
  assert.deepEqual([point.details.seal.type, point.details.storage], ['static', 'raft'])
  assert.ok(point.notCaptured.some((text) => text.includes('keys of the static seal are never captured')))
  assert.match(whyNoDrill(settings, point.details) ?? '', /static seal/)
  const custody = (await checkOpenbao(settings, context)).find(({ subject }) => subject === 'unseal keys')
  assert.match(custody?.message ?? '', /key of the static seal/)
})

/** Stands for a container: programs of this host, and no address. */
function wayTo(address: string, route: 'auto' | 'exec-relay'): Reached {
  const inside = {
    reach: z.unknown(),
    describe: () => 'service openbao of a test',
    find: async () => new LocalPlace(),
  }
  return new Reached(inside, {}, { route, port: Number(new URL(address).port) }, context)
}

test(
  'a server that is reached inside a container is captured and restored, and its certificate looked at',
  limit,
  async (t) => {
    const settings = await nodeSettings(node, keys, { ca: own.ca, snapshot: 'require' })
    const through = wayTo(settings.address, 'auto')
    t.after(() => through.close())
    const reached = { ...settings, through }
    const point = await captureToMemory(reached)
    await must('POST', 's/data/a', { data: { v: 'live' } })
    const target = await openbaoDriver.open(reached, { mode: 'swap', restoreId: '0a1b2c3e' }, context)
    await target.load(point.details, point.source, context)
    await target.swap(point.details, context)
    assert.deepEqual(at(await must('GET', 's/data/a'), 'data', 'data'), { v: 'captured' })
    const stranger2 = wayTo(settings.address, 'exec-relay')
    t.after(() => stranger2.close())
    const found = await checkOpenbao({ ...settings, ca: stranger.ca, through: stranger2, retrySeconds: 0 }, context)
    assert.match(JSON.stringify(found), /openbao at service openbao of a test cannot be reached.*certificate/)
  },
)
