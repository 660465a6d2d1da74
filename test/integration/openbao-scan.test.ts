import assert from 'node:assert/strict'
import { test } from 'node:test'
import pMap from 'p-map'
import { policyFor } from '../../src/components/openbao/capture/policies.ts'
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

test('many folders that are scanned give the very same secrets, with fewer lists', limit, async () => {
  const listed = await capture({ scan: false })
  assert.deepEqual(listed.scans, [])
  const scanned = await capture({})
  assert.deepEqual(scanned.lines, listed.lines)
  assert.deepEqual(scanned.scans, ['many 200'])
  // Before: the mount, each folder and the one in it, and that one again behind its contents. Now eight of the first two.
  assert.deepEqual([listed.lists, scanned.lists], [1 + 3 * FOLDERS, 1 + 2 * 8 + FOLDERS])
})

test(
  'the printed policy allows it unless it is off, and is enough; without the right there are lists',
  limit,
  async () => {
    const [without, with_] = await Promise.all(
      [false, true].map((scan) => policyFor(bao.settings({ scan, snapshot: 'off' }), 'capture', context)),
    )
    assert.ok(without?.includes('"scan"') === false && with_?.includes('"list", "scan"') === true)
    const listed = await capture({ scan: false })
    const allowed = await capture({ token: await bao.tokenWith(with_ ?? '') })
    assert.deepEqual([allowed.lines, allowed.scans], [listed.lines, ['many 200']])
    const denied = await capture({ token: await bao.tokenWith(without ?? '') })
    assert.deepEqual([denied.lines, denied.scans, denied.lists], [listed.lines, ['many 403'], listed.lists])
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
  const { lines } = await capture({})
  proxy.fault = () => undefined
  const line = lines.find((one) => one.includes('"team 7/deep/key"'))
  assert.match(line ?? '', /"current":2.*"later"/)
})

/** Folders with some secrets each; those that `isLarge` names have all the metadata of their own that a secret may have. */
async function fill(mount: string, folders: number, secrets: number, isLarge: (n: number) => boolean): Promise<void> {
  await bao.must('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
  const custom = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`k${n}`, 'x'.repeat(512)]))
  await pMap(
    Array.from({ length: folders * secrets }, (_, n) => [Math.floor(n / secrets), n % secrets] as const),
    async ([n, one]) => {
      const path = `f${String(n).padStart(4, '0')}/s${one}`
      await bao.must('POST', `${mount}/data/${path}`, { data: { n } })
      if (isLarge(n)) await bao.must('POST', `${mount}/metadata/${path}`, { custom_metadata: custom })
    },
    { concurrency: 20 },
  )
}

test('where the answer is larger than was to be expected, the mount is listed on', limit, async () => {
  await fill('larger', 270, 1, (n) => n >= 8)
  const { lines, scans } = await capture({ mounts: ['larger'] })
  assert.equal(new Set(lines).size, 270)
  assert.deepEqual(scans, ['larger 200'])
})

test('where too large an answer is to be expected, it is not asked for', limit, async () => {
  await fill('large', 75, 2, () => true)
  const { lines, scans } = await capture({ mounts: ['large'] })
  assert.equal(lines.length, 150)
  assert.deepEqual(scans, [])
})
