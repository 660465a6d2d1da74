import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { policyFor } from '../../src/components/openbao/capture/policies.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { FailureKind } from '../../src/core/failure.ts'
import { at, startOpenbao } from '../parts/openbao.ts'
import { startProxy } from '../parts/openbao-proxy.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** What the real server does in the middle of a backup or restore; nothing is injected. */
const bao = await startOpenbao('raft')
const proxy = await startProxy(bao.server.address)
const context = testContext()
const limit = { timeout: 300_000 }
await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
for (let n = 0; n < 60; n += 1) await bao.must('POST', `s/data/f/${String(n).padStart(2, '0')}`, { data: { n } })
const policy = await policyFor(bao.settings(), 'capture', context)
const through = (over: Readonly<Record<string, unknown>> = {}): ReturnType<typeof bao.settings> =>
  bao.settings({ address: proxy.address, retrySeconds: 1, snapshot: 'off', ...over })

beforeEach(() => {
  proxy.fault = () => undefined
})

/** Once, before the request of this number among those for contents is passed on. */
function atRequest(wanted: number, act: () => Promise<unknown>): void {
  let seen = 0
  proxy.fault = async ({ path }) => {
    if (path.startsWith('/v1/s/data/') && (seen += 1) === wanted) await act()
    return undefined
  }
}

const says =
  (kind: FailureKind, message: RegExp, hint: RegExp) =>
  (error: unknown): boolean =>
    isFailure(error, kind) && message.test(error.message) && hint.test(error.hint ?? '')

test('a token that runs out in the middle of a capture', limit, async () => {
  const token = await bao.tokenWith(policy, '2s')
  atRequest(30, () => context.clock.sleep(2500, context.signal))
  await assert.rejects(
    captureToMemory(through({ token })),
    says('denied', /token is not valid, or no longer/, /appRole or kubernetes/),
  )
})

test('a right on one path that is taken away in the middle', limit, async () => {
  await bao.must('PUT', 'sys/policies/acl/shrinking', { policy })
  const made = await bao.must('POST', 'auth/token/create', { policies: ['shrinking'], ttl: '1h' })
  const less = `${policy}\npath "s/data/f/50" { capabilities = ["deny"] }`
  atRequest(20, () => bao.must('PUT', 'sys/policies/acl/shrinking', { policy: less }))
  const shrunk = await captureToMemory(through({ token: String(at(made, 'auth', 'client_token')), workers: 1 }))
  assert.equal(shrunk.incomplete?.length, 1)
  assert.match(shrunk.incomplete[0] ?? '', /may not read secret s\/f\/50/)
})

test('a quota that never lets enough through is named as one', limit, async () => {
  await bao.must('POST', 'sys/quotas/rate-limit/least', { rate: 1, interval: '60s', path: 's' })
  try {
    await assert.rejects(
      captureToMemory(through()),
      says('unreachable', /a rate limit holds requests back/, /quota.*lower workers/),
    )
  } finally {
    await bao.must('DELETE', 'sys/quotas/rate-limit/least')
  }
})

test('an entry just under the limit of raft is captured and comes back', limit, async () => {
  await bao.must('POST', 'sys/mounts/large', { type: 'kv', options: { version: '2' } })
  const text = 'x'.repeat(1_040_000)
  await bao.must('POST', 'large/data/one', { data: { text } })
  const point = await captureToMemory(through({ mounts: ['large'] }))
  await bao.must('DELETE', 'large/metadata/one')
  const request = { mode: 'in-place', restoreId: '0a1b2c3d' } as const
  const target = await openbaoDriver.open(through({ mounts: ['large'] }), request, context)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  assert.equal(at(await bao.must('GET', 'large/data/one'), 'data', 'data', 'text'), text)
})

test('a server that is sealed in the middle of a capture says so, and the next capture goes well', limit, async () => {
  atRequest(30, () => bao.must('PUT', 'sys/seal'))
  await assert.rejects(captureToMemory(through({ mounts: ['s'] })), says('unreachable', /is sealed/, /unseal/i))
  await bao.server.unseal(bao.server.unsealKey)
  assert.equal((await captureToMemory(through({ mounts: ['s'] }))).details.secrets, 60)
})

test('a server that is sealed in the middle of a restore says so, and the restore is resumed', limit, async () => {
  const point = await captureToMemory(through({ mounts: ['s'] }))
  for (let n = 0; n < 60; n += 1) await bao.must('DELETE', `s/metadata/f/${String(n).padStart(2, '0')}`)
  const request = { mode: 'in-place', restoreId: '1a1b2c3d' } as const
  const load = async (): Promise<readonly unknown[]> => {
    const target = await openbaoDriver.open(through({ mounts: ['s'] }), request, context)
    await target.load(point.details, point.source, context)
    return await target.compare(point.details, context)
  }
  atRequest(30, () => bao.must('PUT', 'sys/seal'))
  await assert.rejects(load(), says('unreachable', /is sealed/, /unseal/i))
  await bao.server.unseal(bao.server.unsealKey)
  assert.deepEqual(await load(), [])
  const again = await captureToMemory(through({ mounts: ['s'] }))
  assert.deepEqual([again.details.secrets, again.details.highestVersion], [60, 1])
})
