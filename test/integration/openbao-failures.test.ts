import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { isFailure } from '../../src/core/failure.ts'
import { at, startOpenbao } from '../parts/openbao.ts'
import { randomFrom, startProxy } from '../parts/openbao-proxy.ts'
import type { Fault, Passing } from '../parts/openbao-proxy.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import type { MemoryPoint } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** How many secrets the random failures meet; a soak sets 100000. */
const SECRETS = Number(process.env['HOLDFAST_SOAK_SECRETS'] ?? 600)
const limit = { timeout: 300_000 + SECRETS * 50 }

const [bao, empty] = [await startOpenbao('raft'), await startOpenbao('raft')]
const [proxy, inFront] = [await startProxy(bao.server.address), await startProxy(empty.server.address)]
const context = testContext()
const through = (over: Readonly<Record<string, unknown>> = {}): ReturnType<typeof bao.settings> =>
  bao.settings({ address: proxy.address, ...over })

await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
for (let n = 0; n < 60; n += 1) await bao.must('POST', `s/data/f/${String(n).padStart(3, '0')}`, { data: { n } })

beforeEach(() => {
  proxy.fault = () => undefined
})

const isData = ({ path }: Passing): boolean => path.startsWith('/v1/s/data/')
const linesOf = (point: MemoryPoint): string[] =>
  (point.artifacts.get('secrets')?.toString('utf8') ?? '').split('\n').filter(Boolean)
const pathsOf = (point: MemoryPoint): string[] => linesOf(point).map((line) => String(at(JSON.parse(line), 'path')))

/** Calls `act` once, before the answer to the request of this number among those for contents. */
function atRequest(wanted: number, act: () => Promise<unknown>): void {
  let seen = 0
  proxy.fault = async (passing) => {
    if (isData(passing) && (seen += 1) === wanted) await act()
    return undefined
  }
}

test('a path that is denied is named, and all others are captured', limit, async () => {
  proxy.fault = ({ path }) =>
    path.startsWith('/v1/s/data/f/033')
      ? { status: 403, body: { errors: ['1 error occurred: permission denied'] } }
      : undefined
  assert.deepEqual((await captureToMemory(through())).incomplete, [
    'This token may not read secret s/f/033, which is not in the point',
  ])
})

test('a token that ends in the middle is told from a missing right', limit, async () => {
  const token = await bao.tokenWith('path "*" { capabilities = ["read","list","update","sudo"] }')
  atRequest(30, () => bao.must('POST', 'auth/token/revoke', { token }))
  await assert.rejects(
    captureToMemory(through({ token })),
    (error: unknown) => isFailure(error, 'denied') && error.message.includes('the token is not valid, or no longer'),
  )
})

test('a standby that does not forward is named, and one that becomes active in time is waited for', limit, async () => {
  for (const status of [307, 472, 473]) {
    proxy.fault = () => ({ status, headers: { Location: 'http://192.0.2.1/never-followed' } })
    await assert.rejects(
      captureToMemory(through({ retrySeconds: 0.2 })),
      (error: unknown) => isFailure(error, 'unreachable') && error.message.includes('standby'),
    )
  }
  assert.equal((await checkOpenbao(through({ retrySeconds: 0.2 }), context))[0]?.level, 'error')
  proxy.fault = ({ number }) => (number % 7 === 0 ? { status: 473 } : undefined)
  assert.equal((await captureToMemory(through())).details.secrets, 60)
})

test(
  'answers that lag behind (412), floods (429) and broken answers (500, 502, 503) are asked again',
  limit,
  async () => {
    const faults: readonly Fault[] = [
      { status: 412, body: { errors: ['required index state not present'] } },
      { status: 429, headers: { 'Retry-After': '1' } },
      { status: 500 },
      { status: 502 },
      { status: 503 },
      'cut before',
      'cut after',
    ]
    proxy.fault = (passing) =>
      isData(passing) && passing.number % 9 === 0 ? faults[(passing.number / 9) % 7] : undefined
    const point = await captureToMemory(through({ retrySeconds: 30 }))
    assert.deepEqual(pathsOf(point), [...new Set(pathsOf(point))])
    assert.equal(point.details.secrets, 60)
    proxy.fault = () => ({ status: 412 })
    await assert.rejects(
      captureToMemory(through({ retrySeconds: 0.2 })),
      (error: unknown) => isFailure(error, 'unreachable') && error.message.includes('lags behind'),
    )
  },
)

test(
  'what is written, deleted, undeleted or made anew meanwhile is captured as it was at one moment',
  limit,
  async () => {
    const changes: readonly (() => Promise<unknown>)[] = [
      () => bao.must('POST', 's/data/f/040', { data: { n: 'newer' } }),
      () => bao.must('DELETE', 's/data/f/041'),
      async () => {
        await bao.must('DELETE', 's/metadata/f/042')
        await bao.must('POST', 's/data/f/042', { data: { n: 'another secret under the same number' } })
      },
      () => bao.must('POST', 's/undelete/f/043', { versions: [1] }),
      () => bao.must('POST', 's/data/f/new', { data: { n: 'new' } }),
      () => bao.must('POST', 's/metadata/f/044', { custom_metadata: { owner: 'new' } }),
    ]
    await bao.must('DELETE', 's/data/f/043')
    atRequest(2, async () => {
      for (const change of changes) await change()
    })
    const point = await captureToMemory(through({ workers: 1 }))
    // A row that was read before the capture began can name any of these: none is lacking.
    for (let n = 0; n < 60; n += 1) assert.ok(pathsOf(point).includes(`f/${String(n).padStart(3, '0')}`), `f/${n}`)
    const line = (path: string): string => linesOf(point).find((one) => one.includes(`"path":"f/${path}"`)) ?? ''
    assert.match(line('040'), /newer/)
    assert.match(line('041'), /"state":"deleted"/)
    assert.match(line('042'), /another secret under the same number/)
    assert.match(line('043'), /"state":"live".*"n":43/)
    assert.match(line('044'), /"owner":"new"/)
  },
)

test('random failures lose nothing and double nothing, in a capture and in a restore', limit, async () => {
  await bao.must('POST', 'sys/mounts/many', { type: 'kv', options: { version: '2' } })
  const names = Array.from({ length: SECRETS }, (_, n) => `f${n % 7}/${n % 3}/${String(n).padStart(6, '0')}`)
  const lanes = Array.from({ length: 16 }, async (_, lane) => {
    for (let n = lane; n < names.length; n += 16) await bao.must('POST', `many/data/${names[n]}`, { data: { n } })
  })
  await Promise.all(lanes)
  const random = randomFrom(20_261_122)
  const faults: readonly Fault[] = [{ status: 412 }, { status: 503 }, { status: 473 }, 'cut before', 'cut after']
  proxy.fault = ({ path }) => {
    const chosen = random() < 0.03 ? faults[Math.floor(random() * faults.length)] : undefined
    // A write whose answer is lost is the hardest; mounts are made by the test itself.
    return path.startsWith('/v1/many/') ? chosen : undefined
  }
  const over = { mounts: ['many'], retrySeconds: 60, snapshot: 'off' }
  const point = await captureToMemory(through(over))
  assert.deepEqual(pathsOf(point).toSorted(), names.toSorted())
  await empty.must('POST', 'sys/mounts/many', { type: 'kv', options: { version: '2' } })
  await empty.must('GET', 'many/config')
  inFront.fault = proxy.fault
  const into = empty.settings({ ...over, address: inFront.address })
  const target = await openbaoDriver.open(into, { mode: 'in-place', restoreId: '0a1b2c3d' }, context)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  const again = await captureToMemory(empty.settings(over))
  // Nothing doubled: each has its one version, also where the answer to its write was lost.
  assert.deepEqual([again.details.secrets, again.details.highestVersion], [SECRETS, 1])
})

test('a server that is killed in the middle fails the backup, and names itself', limit, async () => {
  atRequest(20, () => bao.server.kill())
  await assert.rejects(
    captureToMemory(through({ retrySeconds: 0.5, mounts: ['s'] })),
    // Vault, told to end, seals itself and says so with its last answers.
    (error: unknown) =>
      isFailure(error, 'unreachable') && (error.message.includes(proxy.address) || /is sealed/.test(error.message)),
  )
})
