import assert from 'node:assert/strict'
import { test } from 'node:test'
import pMap from 'p-map'
import { startKeysLab } from '../e2e/keys-lab.ts'
import { startOpenbao } from '../parts/openbao.ts'
import type { TestOpenbao } from '../parts/openbao.ts'
import { randomFrom, startProxy } from '../parts/openbao-proxy.ts'
import type { Fault, Proxy } from '../parts/openbao-proxy.ts'
import { withClient } from '../../src/components/openbao/client/connect.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** How many secrets go through the storm; `npm run soak` sets many. */
const SECRETS = Number(process.env['HOLDFAST_SOAK_SECRETS'] ?? 400)
const SEED = Number(process.env['HOLDFAST_SOAK_SEED'] ?? 20_261_122)
const KILLS = 4
const FAULTY = 0.02
const FLOODED = 0.0005
const faults: readonly Fault[] = [{ status: 412 }, { status: 500 }, { status: 503 }, 'cut before', 'cut after']
const limit = { timeout: 600_000 + SECRETS * 200 }

const random = randomFrom(SEED)
const [source, target] = [await startOpenbao('raft'), await startOpenbao('raft')]
const [before, into] = [await startProxy(source.server.address), await startProxy(target.server.address)]
const lab = await startKeysLab({
  SOURCE_TOKEN: source.server.rootToken.reveal(),
  TARGET_TOKEN: target.server.rootToken.reveal(),
})

/** What the proxies did. */
const done = { requests: 0, faults: 0, kills: 0 }

/** Lets the requests of a run meet failures, and calls `act` at the request of this number. */
function storm(proxy: Proxy, at: number, act: () => void): void {
  let number = 0
  proxy.fault = ({ path }) => {
    done.requests += 1
    if ((number += 1) === at) act()
    // A server that refuses to say what it is ends a command before it begins.
    if (!path.startsWith('/v1/s/')) return undefined
    const drawn = random()
    if (drawn < FLOODED) return { status: 429, headers: { 'Retry-After': '1' } }
    const chosen = drawn < FAULTY ? faults[Math.floor(random() * faults.length)] : undefined
    if (chosen !== undefined) done.faults += 1
    return chosen
  }
}

/** Runs a command that is killed at a random request, `KILLS` times, with what an operator does after each; then to its end. */
async function untilDone(proxy: Proxy, args: readonly string[], requests: number, afterKill: () => Promise<void>) {
  for (let kill = 0; kill < KILLS; kill += 1) {
    const running = lab.start(...args)
    storm(proxy, 1 + Math.floor(random() * requests), () => running.kill('SIGKILL'))
    const { code, out, error } = await running.ended
    assert.ok(code === 137 || code === 0, `${code}: ${out}\n${error}`)
    if (code !== 137) continue
    done.kills += 1
    await afterKill()
  }
  storm(proxy, 0, () => undefined)
  await lab.must(...args)
}

const names = Array.from({ length: SECRETS }, (_, n) => `f${n % 7}/${n % 3}/${String(n).padStart(6, '0')}`)

/** Two versions each; every tenth has a third, and its second is deleted. */
function fill(bao: TestOpenbao): Promise<void> {
  return withClient(bao.settings(), 'restore', testContext(), async (client) => {
    const post = (path: string, body: unknown) => client.call({ method: 'POST', path: `s/${path}`, body })
    const write = async (name: string, n: number): Promise<void> => {
      const versions = n % 10 === 3 ? 3 : 2
      for (let cas = 0; cas < versions; cas += 1) await post(`data/${name}`, { options: { cas }, data: { n, cas } })
      if (versions === 3) await post(`delete/${name}`, { versions: [2] })
    }
    await pMap(names, write, { concurrency: client.workers })
  })
}

function expected(): string[] {
  return names.map((name, n) =>
    n % 10 === 3
      ? `${name} 1 live {"cas":0,"n":${n}}, 2 deleted, 3 live {"cas":2,"n":${n}}`
      : `${name} 1 live {"cas":0,"n":${n}}, 2 live {"cas":1,"n":${n}}`,
  )
}

interface Line {
  readonly path: string
  readonly versions: readonly { readonly version: number; readonly state: string; readonly data?: unknown }[]
}

/** Every version of every secret that the server has, as text, past the proxy. */
async function found(bao: TestOpenbao): Promise<string[]> {
  const { artifacts } = await captureToMemory(bao.settings({ mounts: ['s'], snapshot: 'off' }))
  const lines = (artifacts.get('secrets')?.toString('utf8') ?? '').split('\n').filter(Boolean)
  return lines.map((line) => {
    // Our own capture wrote it.
    const { path, versions } = JSON.parse(line) as Line
    const texts = versions.map(
      ({ version, state, data }) => `${version} ${state}${data === undefined ? '' : ` ${JSON.stringify(data)}`}`,
    )
    return `${path} ${texts.join(', ')}`
  })
}

function configure(proxy: Proxy, token: string): Promise<void> {
  return lab.configure({ kind: 'openbao', address: proxy.address, token, mounts: ['s'], snapshot: 'off' })
}

test('failures and kills at random lose nothing and double nothing: every version is exact', limit, async (t) => {
  for (const bao of [source, target]) {
    await bao.must('POST', 'sys/mounts/s', { type: 'kv', options: { version: '2' } })
    await bao.must('GET', 's/config')
  }
  await fill(source)

  await configure(before, 'env:SOURCE_TOKEN')
  await untilDone(before, ['backup', 'portal'], SECRETS * 2, async () => {})
  t.diagnostic(`captured: ${JSON.stringify(done)}`)

  await configure(into, 'env:TARGET_TOKEN')
  const restore = ['restore', 'portal', '--target', 'in-place', '--no-safety-point', '--yes']
  await untilDone(into, restore, SECRETS * 4, async () => {
    const abandoned = await lab.run('restore', 'portal', '--abandon')
    assert.ok([0, 10].includes(abandoned.code), abandoned.error)
  })
  t.diagnostic(`restored: ${JSON.stringify(done)} with ${SECRETS} secrets, seed ${SEED}`)
  assert.ok(done.kills > 0 && done.faults > 0, 'the storm did not blow')
  assert.deepEqual((await found(target)).toSorted(), expected().toSorted())
})
