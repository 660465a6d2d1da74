import assert from 'node:assert/strict'
import { test } from 'node:test'
import pMap from 'p-map'
import { policyFor } from '../../src/components/openbao/policies.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { captureToMemory, fillWithEverything } from '../parts/openbao-points.ts'
import { startProxy } from '../parts/openbao-proxy.ts'
import { testContext } from '../parts/postgres.ts'

const bao = await startOpenbao()
const proxy = await startProxy(bao.server.address)
const context = testContext()
const limit = { timeout: 300_000 }
const FOLDERS = 120

await fillWithEverything(bao)
await bao.must('POST', 'sys/mounts/many', { type: 'kv', options: { version: '2' } })
await pMap(
  Array.from({ length: FOLDERS }, (_, n) => n),
  (n) => bao.must('POST', `many/data/team%20${n}/deep/key`, { data: { n } }),
  { concurrency: 20 },
)

interface Taken {
  /** One line for each secret, in any order. */
  readonly lines: readonly string[]
  readonly scans: readonly string[]
  readonly lists: number
}

async function capture(settings: Readonly<Record<string, unknown>>): Promise<Taken> {
  const scans: string[] = []
  let lists = 0
  proxy.answered = ({ path }, status) => {
    if (path.includes('scan=true')) scans.push(`${path.slice(4).replace(/\/detailed.*/, '')} ${status}`)
    if (path.startsWith('/v1/many/') && path.includes('list=true')) lists += 1
  }
  const point = await captureToMemory(bao.settings({ address: proxy.address, snapshot: 'off', ...settings }))
  const text = point.artifacts.get('secrets')?.toString('utf8') ?? ''
  return { lines: text.trimEnd().split('\n').toSorted(byCode), scans, lists }
}

function byCode(one: string, other: string): number {
  return one < other ? -1 : 1
}

test('a mount that is scanned gives the very same secrets, with half of the lists', limit, async () => {
  const listed = await capture({})
  assert.deepEqual(listed.scans, [])
  const scanned = await capture({ scan: true })
  assert.deepEqual(scanned.lines, listed.lines)
  assert.deepEqual(
    scanned.scans.toSorted(byCode),
    ['deep%2Fer 200', 'many 200', 'secret 200'].map((one) => one.replace('%2F', '/')),
  )
  // Before: the mount, each folder and the one in it, and that one again behind its contents. Now only the last.
  assert.deepEqual([listed.lists, scanned.lists], [1 + 3 * FOLDERS, FOLDERS])
})

test(
  'the printed policy names it only where it is wanted, and is enough; without the right there are lists',
  limit,
  async () => {
    const [without, with_] = await Promise.all(
      [false, true].map((scan) => policyFor(bao.settings({ scan, snapshot: 'off' }), 'capture', context)),
    )
    assert.ok(without?.includes('"scan"') === false && with_?.includes('"list", "scan"') === true)
    const listed = await capture({})
    const allowed = await capture({ scan: true, token: await bao.tokenWith(with_ ?? '') })
    assert.deepEqual([allowed.lines, allowed.scans.includes('many 200')], [listed.lines, true])
    const denied = await capture({ scan: true, token: await bao.tokenWith(without ?? '') })
    assert.deepEqual([denied.lines, denied.scans.includes('many 403')], [listed.lines, true])
  },
)

test('a secret that is written after the scan is captured as it is then', limit, async () => {
  let scanned = false
  proxy.fault = async ({ path }) => {
    if (path.includes('many/detailed-metadata/?scan=true')) scanned = true
    else if (scanned && path.startsWith('/v1/many/data/team%207/')) {
      scanned = false
      await bao.must('POST', 'many/data/team%207/deep/key', { data: { n: 'later' } })
    }
    return undefined
  }
  const { lines } = await capture({ scan: true })
  proxy.fault = () => undefined
  const line = lines.find((one) => one.includes('"team 7/deep/key"'))
  assert.match(line ?? '', /"current":2.*"later"/)
})

test('where the answer is too large, the mount is listed', limit, async () => {
  await bao.must('POST', 'sys/mounts/large', { type: 'kv', options: { version: '2' } })
  const custom = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`k${n}`, 'x'.repeat(512)]))
  await pMap(
    Array.from({ length: 260 }, (_, n) => n),
    async (n) => {
      await bao.must('POST', `large/data/s${n}`, { data: { n } })
      await bao.must('POST', `large/metadata/s${n}`, { custom_metadata: custom })
    },
    { concurrency: 20 },
  )
  const { lines, scans } = await capture({ scan: true, mounts: ['large'] })
  assert.equal(lines.length, 260)
  assert.deepEqual(scans, ['large 200'])
})
