import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ShapeCheck, shapesOf } from '../cli/shape.ts'
import { startKeysLab } from '../e2e/keys-lab.ts'
import { at, startOpenbao } from '../parts/openbao.ts'

const bao = await startOpenbao('raft')
const other = await startOpenbao('inmem')
const lab = await startKeysLab({
  BAO_KEY: bao.server.unsealKey.reveal(),
  BAO_TOKEN: bao.server.rootToken.reveal(),
  BAO_OTHER: other.server.rootToken.reveal(),
})
const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'cli-output.md'), 'utf8')

test('the whole job by the command line', { timeout: 300_000 }, async () => {
  await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
  await bao.must('POST', 's/data/a', { data: { v: 'canary-in-a-secret' } })
  await lab.configure({
    kind: 'openbao',
    address: bao.server.address,
    token: 'env:BAO_TOKEN',
    serverProgram: bao.program,
    drillUnsealKeys: ['env:BAO_KEY'],
  })
  const { rights } = JSON.parse(await lab.must('rights', 'openbao', 'backup', '--json')) as { rights: unknown[] }
  assert.deepEqual(new ShapeCheck(shapesOf(page)).problems('rights openbao', { rights }), [])
  assert.match(String(at(rights[0], 'text')), /path "s\/data\/\*"/)
  await lab.must('check')
  await lab.must('backup')
  await lab.must('verify', 'latest')
  await lab.must('drill')
  await lab.must('show', 'latest')
  await bao.must('POST', 's/data/a', { data: { v: 'live' } })
  await lab.must('restore', '--yes')
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'canary-in-a-secret' })
  await lab.must('undo', '--yes')
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'live' })
  await intoAnotherServer()
  const snapshot = ['openbao', 'snapshot-restore', '--yes', '--json']
  const looked: unknown = JSON.parse(await lab.must(...snapshot, '--dry-run'))
  assert.equal(at(looked, 'report', 'state'), 'not touched')
  const restored: unknown = JSON.parse(await lab.must(...snapshot))
  assert.deepEqual(new ShapeCheck(shapesOf(page)).problems('openbao snapshot-restore', restored), [])
  assert.deepEqual([at(restored, 'report', 'forced'), at(restored, 'report', 'state')], [false, 'read'])
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'canary-in-a-secret' })
  const before = String(at(restored, 'report', 'safetyPoint'))
  assert.match(before, /^[0-9a-f]{32}$/)
  const back: unknown = JSON.parse(await lab.must(...snapshot, '--at', before, '--no-safety-point'))
  assert.deepEqual([at(back, 'report', 'state'), at(back, 'report', 'safetyPoint')], ['read', null])
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'live' })
  const said = lab.said()
  assert.ok(!said.includes('canary-in-a-secret'))
  assert.match(said, /1 secrets/)
  assert.match(said, /raft snapshot on another, unsealed and read/)
})

/** The app's own server keeps what it has, and so does a server that the configuration names by another address. */
async function intoAnotherServer(): Promise<void> {
  await other.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
  const into = ['--into', `keys.address=${other.server.address}`, '--into', 'keys.restoreToken=env:BAO_OTHER']
  const valueOf = async (server: typeof bao): Promise<unknown> =>
    at(await server.must('GET', 's/data/a'), 'data', 'data')
  const { report } = JSON.parse(await lab.must('restore', '--yes', ...into, '--json')) as {
    readonly report: { readonly restoreId: string }
  }
  assert.deepEqual([await valueOf(other), await valueOf(bao)], [{ v: 'canary-in-a-secret' }, { v: 'live' }])
  await lab.must('undo', '--yes', '--restore', report.restoreId)
  assert.equal((await other.ask('GET', 's/data/a')).status, 404)
  const same = bao.server.address.replace('127.0.0.1', 'localhost')
  const refused = await lab.run('restore', '--yes', '--into', `keys.address=${same}`)
  assert.deepEqual([refused.code, await valueOf(bao)], [13, { v: 'live' }], refused.error)
}
