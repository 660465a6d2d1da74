import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { captureToMemory, fillWithEverything } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

const bao = await startOpenbao()
const context = testContext()

test('what KV can hold comes back on a throw-away server, version for version', { timeout: 600_000 }, async () => {
  await fillWithEverything(bao)
  const point = await captureToMemory(bao.settings())
  assert.deepEqual(
    point.details.mounts.map(({ path, version, secrets }) => [path, version, secrets]),
    [
      ['bare', 1, 1101],
      ['deep/er', 2, 1],
      ['plain', 1, 1],
      ['secret', 2, 14],
    ],
  )
  const lacks = point.notCaptured.join('\n')
  assert.match(lacks, /Times of creation, change and deletion of secrets cannot be set/)
  assert.match(lacks, /The contents of [1-9]\d* deleted versions cannot be read/)
  assert.match(lacks, /The expiry of [1-9]\d* versions cannot be set/)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const target = new ScratchTarget(bao.settings(), { mode: 'scratch', restoreId: '01234567', scratchFolder: folder })
  try {
    assert.deepEqual((await target.preflight())[0]?.level, 'ok')
    await target.load(point.details, point.source, context)
    assert.deepEqual(await target.compare(point.details, context), [])
  } finally {
    await target.discard(context)
    await rm(folder, { recursive: true, force: true })
  }
})
