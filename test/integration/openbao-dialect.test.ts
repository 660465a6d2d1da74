import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { policyFor } from '../../src/components/openbao/capture/policies.ts'
import { restoreSnapshot } from '../../src/components/openbao/snapshot/snapshot-restore.ts'
import { isFailure } from '../../src/core/failure.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { startProxy } from '../parts/openbao-proxy.ts'
import type { Fault, Passing } from '../parts/openbao-proxy.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** Answers of Vault 1.21, as `openbao-vault` found them, put in before OpenBao: building Vault takes too long for every run. */
const bao = await startOpenbao('raft')
const proxy = await startProxy(bao.server.address)
const context = testContext()
const limit = { timeout: 300_000 }
const token = bao.server.rootToken.reveal()
const settings = bao.settings({ address: proxy.address, token, retrySeconds: 5 })
const MOUNTS = [
  ['many', '1'],
  ['many2', '2'],
] as const
proxy.fault = asVault

for (const [path, version] of MOUNTS) {
  await bao.must('POST', `sys/mounts/${path}`, { type: 'kv', options: { version } })
  await Promise.all(Array.from({ length: 499 }, (_, n) => put(path, n)))
}

function put(mount: string, n: number): Promise<unknown> {
  return mount === 'many'
    ? bao.must('POST', `many/f/${n}`, { n })
    : bao.must('POST', `many2/data/f/${n}`, { data: { n } })
}

async function asVault({ path }: Passing): Promise<Fault | undefined> {
  if (path.includes('/detailed-metadata')) return { status: 404, body: { errors: [] } }
  if (path.startsWith('/v1/sys/health'))
    return { status: 200, body: { initialized: true, sealed: false, version: '1.21.4', enterprise: false } }
  if (!path.includes('list=true&limit=')) return undefined
  const { status, body } = await bao.ask('GET', path.replace(/^\/v1\//, '').replace(/&limit=.*/, ''))
  return { status, body }
}

test(
  'a folder of as many secrets as one page has is captured once, where the server knows no pages',
  limit,
  async () => {
    for (const count of [499, 500, 501]) {
      const { details } = await captureToMemory({ ...settings, snapshot: 'off' })
      assert.deepEqual(
        details.mounts.map(({ secrets }) => secrets),
        [count, count],
      )
      for (const [path] of MOUNTS) await put(path, count)
    }
  },
)

test(
  'the server is named, no right to scan is printed, and a namespace that would be passed over is refused',
  limit,
  async () => {
    assert.ok(!(await policyFor(settings, 'capture', context)).includes('"scan"'))
    assert.match((await checkOpenbao(settings, context))[0]?.message ?? '', /^reached, Vault version /)
    const inside = { ...settings, namespace: 'team1' }
    for (const act of [() => captureToMemory(inside), () => policyFor(inside, 'capture', context)])
      await assert.rejects(
        act,
        (error: unknown) => isFailure(error, 'unsupported') && /namespace team1/.test(error.message),
      )
  },
)

test('a snapshot of the one is sent to no server of the other', limit, async () => {
  const point = await captureToMemory({ ...settings, snapshot: 'require' })
  assert.equal(point.details.product, 'vault')
  const request = { custody: 'the board', onlyLook: true }
  await assert.rejects(
    restoreSnapshot(bao.settings(), point.details, point.source, request, context),
    (error: unknown) => isFailure(error, 'refused') && /is of Vault, and the server is OpenBao/.test(error.message),
  )
  // What a point of before this was recorded says nothing about is not guessed.
  const { product: _, ...older } = point.details
  assert.equal((await restoreSnapshot(bao.settings(), older, point.source, request, context)).state, 'not touched')
})

test('a value that the limits on JSON keep out is named at once, and not tried again', limit, async () => {
  const point = await captureToMemory({ ...settings, snapshot: 'off' })
  let tries = 0
  proxy.fault = async (passing) => {
    if (passing.method !== 'POST' || !passing.path.endsWith('/f/7')) return asVault(passing)
    tries += 1
    return { status: 500, body: { errors: ['JSON string value exceeds allowed length'] } }
  }
  await bao.must('DELETE', 'many/f/7')
  const target = await openbaoDriver.open(settings, { mode: 'in-place', restoreId: '0a1b2c3d' }, context)
  await assert.rejects(
    target.load(point.details, point.source, context),
    (error: unknown) =>
      isFailure(error, 'incomplete') && /many\/f\/7: .*more than the server takes/.test(error.message),
  )
  assert.equal(tries, 1)
})
