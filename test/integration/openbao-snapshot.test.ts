import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import { startThrowAway } from '../../src/components/openbao/private-server/throw-away.ts'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { restoreSnapshot } from '../../src/components/openbao/snapshot/snapshot-restore.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { Difference } from '../../src/core/restore-point.ts'
import { at, startOpenbao, testOpenbao } from '../parts/openbao.ts'
import { captureToMemory, sourceOf } from '../parts/openbao-points.ts'
import type { MemoryPoint } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const [bao, other] = [await startOpenbao('raft'), await startOpenbao('raft')]
await other.must('POST', 'sys/mounts/e', { type: 'kv' })
const context = testContext()
const limit = { timeout: 300_000 }
const LOOK = { custody: undefined, onlyLook: false }
const FORCE = { custody: 'the board, in two safes', onlyLook: false }
const KEY = bao.server.unsealKey.reveal()

await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
await bao.must('POST', 's/data/a', { data: { v: 'captured' } })
await bao.must('POST', 'sys/mounts/p', { type: 'kv' })
await bao.must('POST', 'p/a', { v: 'captured' })
const point = await captureToMemory(bao.settings({ snapshot: 'require' }))
await bao.must('POST', 's/data/a', { data: { v: 'live' } })

async function drill(
  settings: OpenbaoSettings,
  given: MemoryPoint = point,
): Promise<{ readonly target: ScratchTarget; readonly differences: readonly Difference[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const target = new ScratchTarget(settings, { mode: 'scratch', restoreId: '01234567', scratchFolder: folder })
  try {
    await target.load(given.details, given.source, context)
    return { target, differences: await target.compare(given.details, context) }
  } finally {
    await target.discard(context)
    await rm(folder, { recursive: true, force: true })
  }
}

test(
  'a drill forces the snapshot into a server, opens it with the keys of the settings, and reads it',
  limit,
  async () => {
    const { target, differences } = await drill(bao.settings({ drillUnsealKeys: [KEY] }))
    assert.deepEqual(differences, [])
    assert.deepEqual(target.rehearsed(), ['raft-snapshot'])
    assert.match(target.description, /raft snapshot on another, unsealed and read/)
  },
)

test('without keys a drill says that the snapshot was not tried', limit, async () => {
  const { target, differences } = await drill(bao.settings())
  assert.deepEqual([differences, target.rehearsed()], [[], []])
  assert.match(target.description, /NOT tried: drillUnsealKeys gives no keys/)
})

test('keys of another server, and a snapshot without the secrets, fail a drill', limit, async () => {
  const wrong = bao.settings({ drillUnsealKeys: [other.server.unsealKey.reveal()] })
  await assert.rejects(
    drill(wrong),
    (error: unknown) => isFailure(error, 'refused') && error.message.includes('do not open the raft snapshot'),
  )
  await bao.must('POST', 's/data/a', { data: { v: 'later' } })
  const elsewhere = await captureToMemory(other.settings({ snapshot: 'require', mounts: ['e'] }))
  const source = sourceOf(
    new Map([...point.artifacts, ['snapshot', elsewhere.artifacts.get('snapshot') ?? Buffer.alloc(0)]]),
  )
  const { differences } = await drill(wrong, { ...point, source })
  assert.deepEqual(
    differences.map(({ subject }) => subject),
    ['raft snapshot'],
  )
})

test('the same server becomes what it was, and a captured secret is read', limit, async () => {
  const settings = bao.settings()
  const looked = await restoreSnapshot(settings, point.details, point.source, { ...LOOK, onlyLook: true }, context)
  assert.deepEqual(looked, { forced: false, state: 'not touched' })
  assert.notDeepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'captured' })
  const restored = await restoreSnapshot(settings, point.details, point.source, LOOK, context)
  assert.deepEqual(restored, { forced: false, state: 'read' })
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'captured' })
})

test('a snapshot that was changed reaches no server', limit, async () => {
  const broken = Buffer.from(point.artifacts.get('snapshot') ?? [])
  broken[broken.length >> 1] = (broken[broken.length >> 1] ?? 0) ^ 1
  const source = sourceOf(new Map([...point.artifacts, ['snapshot', broken]]))
  await assert.rejects(restoreSnapshot(other.settings(), point.details, source, FORCE, context), { kind: 'corrupt' })
  await other.must('GET', 'sys/mounts')
})

test('another cluster is refused until somebody says who keeps the keys, and is sealed afterwards', limit, async () => {
  await assert.rejects(
    restoreSnapshot(other.settings(), point.details, point.source, LOOK, context),
    (error: unknown) => isFailure(error, 'refused') && (error.hint ?? '').includes('shamir, 1 of 1'),
  )
  await other.must('GET', 'sys/mounts')
  const restored = await restoreSnapshot(other.settings(), point.details, point.source, FORCE, context)
  assert.deepEqual(restored, { forced: true, state: 'sealed' })
  await other.server.unseal(bao.server.unsealKey)
  const token = bao.server.rootToken.reveal()
  const { body } = await other.ask('GET', 's/data/a', undefined, token)
  assert.deepEqual(at(body, 'data', 'data'), { v: 'captured' })
})

test('a folder that is too deep for a socket is no obstacle to a throw-away server', limit, async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-deep-'))
  t.after(() => rm(parent, { recursive: true, force: true }))
  const folder = join(parent, 'd'.repeat(120))
  const server = await startThrowAway({ program: bao.program, folder, storage: 'inmem', context })
  const socket = server.address.slice('unix://'.length)
  try {
    await testOpenbao(server, bao.program).must('GET', 'sys/mounts')
  } finally {
    await server.stop()
  }
  assert.deepEqual([existsSync(folder), existsSync(dirname(socket))], [false, false])
})
