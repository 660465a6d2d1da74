import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { openbaoSettings } from '../../src/components/openbao/schema.ts'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { isFailure } from '../../src/core/failure.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { initialise, makeNode } from '../parts/openbao-node.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

// From 2.4.1 on a request may have 1,000 strings. A secret that was written before, or with another limit, has more.

const MEMBERS = 2000
const bao = await startOpenbao()
const strict = await makeNode({
  config: 'storage "inmem" {}\nlistener "tcp" {\n  address = "$ADDRESS"\n  tls_disable = true\n}',
})
await strict.start()
const { token } = await initialise(strict)
const context = testContext()
const limit = { timeout: 300_000 }
const many = Object.fromEntries(Array.from({ length: MEMBERS }, (_, n) => [`VARIABLE_${n}`, `value ${n}`]))
for (const [mount, version] of Object.entries({ s: '2', p: '1' })) {
  const body = { type: 'kv', options: { version } }
  await bao.must('POST', `sys/mounts/${mount}`, body)
  await strict.must('POST', `sys/mounts/${mount}`, body, token)
}
await bao.must('POST', 's/data/small', { data: { a: ['one', 'two'], b: 3 } })
await bao.must('POST', 's/data/many', { data: many })
await bao.must('POST', 'p/many', many)
const point = await captureToMemory(bao.settings({ snapshot: 'off' }))
const there = openbaoSettings.parse({ kind: 'openbao', address: strict.address, token })

test('they are captured, counted, and come back in a drill', limit, async (t) => {
  assert.equal(point.details.mostStrings, 2 * MEMBERS)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-strings-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const target = new ScratchTarget(bao.settings(), { mode: 'scratch', restoreId: '01234567', scratchFolder: folder })
  t.after(() => target.discard(context))
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
})

test('a server with the default limit is warned of before, and refuses by name', limit, async () => {
  const target = await openbaoDriver.open(there, { mode: 'in-place', restoreId: '0a1b2c3d' }, context)
  const findings = await target.preflight(point.details, context)
  assert.match(findings.find(({ subject }) => subject === 'strings')?.message ?? '', /^a secret has 4000 names/)
  await assert.rejects(
    target.load(point.details, point.source, context),
    (error: unknown) => isFailure(error, 'incomplete') && /s\/many: .*more than the server takes/.test(error.message),
  )
})
