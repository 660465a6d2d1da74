import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import type { OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { at } from '../parts/openbao.ts'
import { initialise, makeNode, nodeSettings } from '../parts/openbao-node.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import type { MemoryPoint } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const context = testContext()
const limit = { timeout: 300_000 }
/** A server that takes names which others refuse, and entries larger than others store. */
const node = await makeNode({
  config: `disable_printable_check = true
storage "raft" {
  path = "$FOLDER/data"
  node_id = "one"
  performance_multiplier = 1
  max_entry_size = 67108864
  max_transaction_size = 100000000
}
listener "tcp" {
  address = "$ADDRESS"
  cluster_address = "$CLUSTER"
  tls_disable = true
  max_request_size = 67108864
  max_request_json_memory = -1
}`,
})
await node.start()
const keys = await initialise(node)
const must = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> =>
  node.must(method, path, body, keys.token)

async function makeMount(path: string, version: 1 | 2): Promise<void> {
  await must('POST', `sys/mounts/${encodeURIComponent(path)}`, { type: 'kv', options: { version: String(version) } })
}

async function drill(settings: OpenbaoSettings, point: MemoryPoint): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const target = new ScratchTarget(settings, { mode: 'scratch', restoreId: '01234567', scratchFolder: folder })
  try {
    await target.load(point.details, point.source, context)
    assert.deepEqual(await target.compare(point.details, context), [])
  } finally {
    await target.discard(context)
    await rm(folder, { recursive: true, force: true })
  }
}

test('names of any kind come back in a throw-away server, of secrets and of mounts', limit, async () => {
  const names = [
    'a',
    'A',
    ' a',
    'a ',
    '\u00e4',
    'a\u0308',
    'a\tb',
    'a\u200bb',
    'a\u007fb',
    '%2F',
    'a?b#c',
    '...',
    'a\\b',
    '😀',
    '\uffee',
  ]
  const mounts = ['m', 'M', 'm ', ' m', 'm n', 'm\u00e4', 'ma\u0308', 'm%25', '__proto__', 'constructor']
  for (const [index, mount] of mounts.entries()) {
    const version = index % 2 === 0 ? 2 : 1
    await makeMount(mount, version)
    for (const name of [...names, '__proto__', 'constructor']) {
      const path = [mount, ...(version === 2 ? ['data'] : []), name].map(encodeURIComponent).join('/')
      const value = Object.fromEntries([
        ['', 'empty'],
        ['__proto__', name],
        ['hasOwnProperty', mount],
      ])
      await must('POST', path, version === 2 ? { data: value } : value)
    }
  }
  const all = await captureToMemory(await nodeSettings(node, keys, { snapshot: 'off' }))
  assert.deepEqual([all.details.secrets, all.incomplete ?? []], [mounts.length * (names.length + 2), []])
  await drill(await nodeSettings(node, keys), all)
  const named = await nodeSettings(node, keys, { snapshot: 'off', mounts: mounts.map((path) => `${path}/`) })
  assert.deepEqual(named.mounts, mounts)
  assert.equal((await captureToMemory(named)).details.secrets, all.details.secrets)
})

test('durations in every spelling of the server come back as it words them', limit, async () => {
  const spellings = ['3h30m', '72h0m0s', 0, '30d', 3600, '1.5s', '500ms', '-1']
  for (const [index, delete_version_after] of spellings.entries()) {
    const mount = `d${index}`
    await makeMount(mount, 2)
    await must('POST', `${mount}/config`, { delete_version_after })
    if (delete_version_after !== '-1') await must('POST', `${mount}/metadata/own`, { delete_version_after })
    await must('POST', `${mount}/data/a`, { data: { v: 1 } })
  }
  const mounts = spellings.map((_, index) => `d${index}`)
  const settings = await nodeSettings(node, keys, { snapshot: 'off', mounts })
  await drill(settings, await captureToMemory(settings))
})

test('a mount in which nothing may expire can hold what a restore keeps', limit, async () => {
  await makeMount('never', 2)
  await must('POST', 'never/config', { delete_version_after: '-1' })
  await must('POST', 'never/data/a', { data: { v: 'captured' } })
  const settings = await nodeSettings(node, keys, { snapshot: 'off', mounts: ['never'] })
  const point = await captureToMemory(settings)
  await must('POST', 'never/data/a', { data: { v: 'live' } })
  const request = { mode: 'swap', restoreId: '0a1b2c3d' } as const
  const target = await openbaoDriver.open(settings, request, context)
  await target.load(point.details, point.source, context)
  await target.swap(point.details, context)
  assert.deepEqual(at(await must('GET', 'never/data/a'), 'data', 'data'), { v: 'captured' })
})

test('values as large as the server takes come back', limit, async () => {
  await makeMount('large', 2)
  const text = '\u0001'.repeat(1_500_000)
  await must('POST', 'large/data/controls', { data: { text } })
  const members = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`k${index}`, 'x'.repeat(10_000)]))
  await must('POST', 'large/data/members', { data: members })
  // Above the limit of a server that says none.
  await must('POST', 'large/data/over', { data: { text: 'x'.repeat(33_600_000) } })
  const settings = await nodeSettings(node, keys, { snapshot: 'off', mounts: ['large'] })
  await drill(settings, await captureToMemory(settings))
})

test('what the metadata of secrets is guarded with comes back', limit, async () => {
  await makeMount('guarded', 2)
  await must('POST', 'guarded/metadata/own', { metadata_cas_required: true, custom_metadata: { a: '1' } })
  await must('POST', 'guarded/data/own', { data: { v: 'captured' } })
  await must('POST', 'guarded/config', { metadata_cas_required: true })
  const settings = await nodeSettings(node, keys, { snapshot: 'off', mounts: ['guarded'] })
  const point = await captureToMemory(settings)
  assert.match(JSON.stringify(point.details.mounts), /"metadata_cas_required":true/)
  await drill(settings, point)
  const now = at(await must('GET', 'guarded/metadata/own'), 'data', 'current_metadata_version')
  await must('POST', 'guarded/metadata/own', { metadata_cas: now, custom_metadata: { a: '2' } })
  const target = await openbaoDriver.open(settings, { mode: 'in-place', restoreId: '0a1b2c3d' }, context)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  assert.deepEqual(at(await must('GET', 'guarded/metadata/own'), 'data', 'custom_metadata'), { a: '1' })
})
