import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { ShapeCheck, shapesOf } from '../cli/shape.ts'
import { holdfast } from '../e2e/holdfast.ts'
import { at, startOpenbao } from '../parts/openbao.ts'

const bao = await startOpenbao('raft')
const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
after(() => rm(folder, { recursive: true, force: true }))
const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'cli-output.md'), 'utf8')
const config = join(folder, 'holdfast.yaml')
const environment = {
  BAO_KEY: bao.server.unsealKey.reveal(),
  BAO_TOKEN: bao.server.rootToken.reveal(),
  HOLDFAST_PASSWORD: 'correct horse battery staple',
}

async function run(...args: readonly string[]): Promise<string> {
  const { code, out, error } = await holdfast(folder, args, environment)
  assert.equal(code, 0, `holdfast ${args.join(' ')}: ${out}\n${error}`)
  return out
}

test('the whole job by the command line', { timeout: 300_000 }, async () => {
  await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
  await bao.must('POST', 's/data/a', { data: { v: 'canary-in-a-secret' } })
  await run(
    '-c',
    config,
    'init',
    '--repository',
    `file://${folder}/repository`,
    '--identity-file',
    join(folder, 'id.txt'),
  )
  const written = parse(await readFile(config, 'utf8')) as {
    state?: string
    apps: Record<string, { components: unknown }>
  }
  const app = Object.values(written.apps)[0]
  assert.ok(app)
  app.components = {
    keys: {
      kind: 'openbao',
      address: bao.server.address,
      token: 'env:BAO_TOKEN',
      serverProgram: bao.program,
      drillUnsealKeys: ['env:BAO_KEY'],
    },
  }
  written.state = join(folder, 'state')
  await writeFile(config, stringify(written), { mode: 0o600 })
  const { policies } = JSON.parse(await run('policy', 'openbao', 'capture', '--json')) as { policies: unknown[] }
  assert.deepEqual(new ShapeCheck(shapesOf(page)).problems('policy openbao', { policies }), [])
  assert.match(String(at(policies[0], 'policy')), /path "s\/data\/\*"/)
  const said = [
    await run('check'),
    await run('backup'),
    await run('verify', 'latest'),
    await run('drill'),
    await run('show', 'latest'),
  ]
  await bao.must('POST', 's/data/a', { data: { v: 'live' } })
  said.push(await run('restore', '--yes'))
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'canary-in-a-secret' })
  said.push(await run('undo', '--yes'))
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'live' })
  const snapshot = ['openbao', 'snapshot-restore', '--yes', '--json']
  const looked: unknown = JSON.parse(await run(...snapshot, '--dry-run'))
  assert.equal(at(looked, 'report', 'state'), 'not touched')
  const restored: unknown = JSON.parse(await run(...snapshot))
  assert.deepEqual(new ShapeCheck(shapesOf(page)).problems('openbao snapshot-restore', restored), [])
  assert.deepEqual([at(restored, 'report', 'forced'), at(restored, 'report', 'state')], [false, 'read'])
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'canary-in-a-secret' })
  const before = String(at(restored, 'report', 'safetyPoint'))
  assert.match(before, /^[0-9a-f]{32}$/)
  const back: unknown = JSON.parse(await run(...snapshot, '--at', before, '--no-safety-point'))
  assert.deepEqual([at(back, 'report', 'state'), at(back, 'report', 'safetyPoint')], ['read', null])
  assert.deepEqual(at(await bao.must('GET', 's/data/a'), 'data', 'data'), { v: 'live' })
  said.push(JSON.stringify([looked, restored, back]))
  assert.ok(!said.join('').includes('canary-in-a-secret'))
  assert.match(said.join(''), /1 secrets/)
  assert.match(said.join(''), /raft snapshot on another, unsealed and read/)
})
