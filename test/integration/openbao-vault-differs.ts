import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { policyFor } from '../../src/components/openbao/capture/policies.ts'
import type { OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import { ScratchTarget } from '../../src/components/openbao/restore/scratch.ts'
import { restoreSnapshot } from '../../src/components/openbao/snapshot/snapshot-restore.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { Difference } from '../../src/core/restore-point.ts'
import { at, findBao, startOpenbao } from '../parts/openbao.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import type { MemoryPoint } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'
import { findVault } from '../parts/vault.ts'

/** What Vault does otherwise than OpenBao. Run by `openbao-vault.test.ts`, which also proves that the rest is the same. */
const vault = await startOpenbao('raft', findVault)
const bao = await startOpenbao('raft')
const context = testContext()
const limit = { timeout: 300_000 }
const folder = await mkdtemp(join(tmpdir(), 'holdfast-vault-'))
after(() => rm(folder, { recursive: true, force: true }))
await vault.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
await vault.must('POST', 'sys/mounts/p', { type: 'kv', options: { version: '1' } })
await vault.must('POST', 's/data/a', { data: { v: 'captured' } })
await vault.must('POST', 'p/a', { v: 'captured' })
const point = await captureToMemory(vault.settings({ snapshot: 'require' }))

async function drill(
  settings: OpenbaoSettings,
  given: MemoryPoint = point,
): Promise<{ readonly target: ScratchTarget; readonly differences: readonly Difference[] }> {
  const scratchFolder = await mkdtemp(join(folder, 'drill-'))
  const target = new ScratchTarget(settings, { mode: 'scratch', restoreId: '01234567', scratchFolder })
  try {
    await target.load(given.details, given.source, context)
    return { target, differences: await target.compare(given.details, context) }
  } finally {
    await target.discard(context)
  }
}

test('a point and a check say that the server is Vault', limit, async () => {
  assert.equal(point.details.product, 'vault')
  const findings = await checkOpenbao(vault.settings(), context)
  assert.match(findings[0]?.message ?? '', /^reached, Vault version 1\./)
  assert.deepEqual(
    findings.filter(({ level }) => level === 'warning' || level === 'error').map(({ subject }) => subject),
    [],
  )
  const { details } = await captureToMemory(await withMount(bao))
  assert.equal(details.product, 'openbao')
})

async function withMount(server: typeof bao): Promise<OpenbaoSettings> {
  await server.must('POST', 'sys/mounts/own', { type: 'kv' })
  await server.must('POST', 'own/a', { v: 1 })
  return server.settings({ mounts: ['own'], snapshot: 'require' })
}

test('a folder of as many secrets as one page has is listed once, as Vault knows no pages', limit, async () => {
  await vault.must('POST', 'sys/mounts/many', { type: 'kv', options: { version: '1' } })
  await vault.must('POST', 'sys/mounts/many2', { type: 'kv', options: { version: '2' } })
  await Promise.all(
    Array.from({ length: 499 }, async (_, n) => {
      await vault.must('POST', `many/f/${n}`, { n })
      await vault.must('POST', `many2/data/f/${n}`, { data: { n } })
    }),
  )
  for (const count of [499, 500, 501]) {
    const settings = vault.settings({ mounts: ['many', 'many2'], snapshot: 'off' })
    const { details } = await captureToMemory(settings)
    assert.deepEqual(
      details.mounts.map(({ secrets }) => secrets),
      [count, count],
    )
    await vault.must('POST', `many/f/${count}`, { n: count })
    await vault.must('POST', `many2/data/f/${count}`, { data: { n: count } })
  }
  for (const mount of ['many', 'many2']) await vault.must('DELETE', `sys/mounts/${mount}`)
})

test('a printed policy has nothing that Vault refuses', limit, async () => {
  const settings = vault.settings({ namespaces: 'all' })
  const refused = await vault.ask('PUT', 'sys/policies/acl/unknown', {
    policy: 'path "s/*" { capabilities = ["list", "scan"] }',
  })
  assert.equal(refused.status, 400, 'Vault does not know this capability')
  const token = await vault.tokenWith(await policyFor(settings, 'capture', context))
  const captured = await captureToMemory(vault.settings({ token, namespaces: 'all', snapshot: 'require' }))
  assert.deepEqual(captured.details.secrets, 2)
  assert.ok(!captured.notCaptured.some((text) => text.startsWith('Not readable')), captured.notCaptured.join())
})

test('a namespace is refused: the community edition passes over it and would answer for the root', limit, async () => {
  const settings = vault.settings({ namespace: 'team1' })
  const names = (error: unknown): boolean => isFailure(error, 'unsupported') && /no namespace team1/.test(error.message)
  await assert.rejects(captureToMemory(settings), names)
  await assert.rejects(policyFor(settings, 'capture', context), names)
  assert.equal((await checkOpenbao(settings, context))[0]?.level, 'error')
})

test('a drill brings the secrets back on either program, and opens the snapshot with Vault alone', limit, async () => {
  const drillUnsealKeys = [vault.server.unsealKey.reveal()]
  const own = await drill(vault.settings({ drillUnsealKeys }))
  assert.deepEqual([own.differences, own.target.rehearsed()], [[], ['raft-snapshot']])
  const other = await drill(vault.settings({ drillUnsealKeys, serverProgram: await findBao() }))
  assert.deepEqual([other.differences, other.target.rehearsed()], [[], []])
  assert.match(other.target.description, /NOT tried: the snapshot is of Vault, and the server is OpenBao/)
})

test('the snapshot comes back on its own server, and reaches no OpenBao, also by force', limit, async () => {
  const request = { custody: undefined, onlyLook: false }
  await vault.must('POST', 's/data/a', { data: { v: 'live' } })
  const restored = await restoreSnapshot(vault.settings(), point.details, point.source, request, context)
  assert.deepEqual(restored, { forced: false, state: 'read' })
  assert.deepEqual(at(await vault.must('GET', 's/data/a'), 'data', 'data'), { v: 'captured' })
  const forced = { custody: 'the board', onlyLook: true }
  await assert.rejects(
    restoreSnapshot(bao.settings(), point.details, point.source, forced, context),
    (error: unknown) => isFailure(error, 'refused') && /is of Vault, and the server is OpenBao/.test(error.message),
  )
})

test('secrets of Vault come back on a live OpenBao', limit, async () => {
  const settings = bao.settings({ createMounts: true })
  const target = await openbaoDriver.open(settings, { mode: 'in-place', restoreId: '0a1b2c3d' }, context)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
})

test('storage without snapshots is refused where one is required, before anything is captured', limit, async () => {
  const inmem = await startOpenbao('inmem', findVault)
  await inmem.must('POST', 'sys/mounts/s', { type: 'kv' })
  await inmem.must('POST', 's/a', { v: 1 })
  await assert.rejects(captureToMemory(inmem.settings({ snapshot: 'require' })), (error) => isFailure(error, 'refused'))
  const { details, notCaptured } = await captureToMemory(inmem.settings())
  assert.deepEqual([details.secrets, details.snapshot], [1, null])
  assert.ok(notCaptured.some((text) => text.startsWith('There is no raft snapshot')))
})
