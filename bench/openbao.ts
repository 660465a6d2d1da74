import pMap from 'p-map'
import { rm } from 'node:fs/promises'
import { captureOpenbao } from '../src/components/openbao/capture.ts'
import { Client } from '../src/components/openbao/client.ts'
import { openbaoDriver } from '../src/components/openbao/driver.ts'
import { openbaoSettings } from '../src/components/openbao/schema.ts'
import { startThrowAway } from '../src/components/openbao/throw-away.ts'
import type { ThrowAwayServer } from '../src/components/openbao/throw-away.ts'
import type { Context } from '../src/core/ports.ts'
import { Secret } from '../src/core/secret.ts'
import { systemClock } from '../src/system/clock.ts'
import { directEffects } from '../src/system/effects.ts'
import { makeTemporaryFolder } from '../src/system/temporary-folder.ts'
import { findBao } from '../test/parts/openbao.ts'

/**
 * Capture and restore of KV version 2 secrets over loopback, raft storage, next to the bare API calls that are needed,
 * made by the same number of workers through the same client. `node bench/openbao.ts [secrets] [versions]`
 */

const WORKERS = 20
const [secrets = 50_000, versions = 1] = process.argv.slice(2).map(Number)
const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}
const names = Array.from({ length: secrets }, (_, n) => `app/${Math.floor(n / 1000)}/secret-${n}`)

async function withServer<Result>(act: (server: ThrowAwayServer, client: Client) => Promise<Result>): Promise<Result> {
  const folder = await makeTemporaryFolder()
  const server = await startThrowAway({ program: await findBao(), folder, storage: 'raft', context })
  const credentials = { type: 'token', token: new Secret(server.rootToken.reveal()) } as const
  const settings = { address: server.address, namespace: undefined, ca: undefined, credentials }
  const client = new Client({ ...settings, workers: WORKERS, retryMilliseconds: 10_000 }, context)
  try {
    await client.call({ method: 'POST', path: 'sys/mounts/kv', body: { type: 'kv', options: { version: '2' } } })
    return await act(server, client)
  } finally {
    await client.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function timed<Result>(what: string, act: () => Promise<Result>): Promise<readonly [Result, number]> {
  const begun = systemClock.monotonic()
  const result = await act()
  const seconds = (systemClock.monotonic() - begun) / 1000
  console.log(
    JSON.stringify({
      what,
      secrets,
      versions,
      seconds: Number(seconds.toFixed(2)),
      peakMib: Math.round(process.resourceUsage().maxRSS / 1024),
    }),
  )
  return [result, seconds]
}

async function writeAll(client: Client): Promise<void> {
  const write = async (name: string, n: number): Promise<void> => {
    for (let cas = 0; cas < versions; cas += 1)
      await client.call({
        method: 'POST',
        path: `kv/data/${name}`,
        body: { options: { cas }, data: { key: `value ${n} ${cas}` } },
      })
  }
  await pMap(names, write, { concurrency: WORKERS })
}

async function readAll(client: Client): Promise<void> {
  const read = async (name: string): Promise<void> => {
    await client.call({ path: `kv/metadata/${name}` })
    for (let version = 1; version <= versions; version += 1)
      await client.call({ path: `kv/data/${name}?version=${version}` })
  }
  await pMap(names, read, { concurrency: WORKERS })
}

const settingsOf = (server: ThrowAwayServer) =>
  openbaoSettings.parse({ kind: 'openbao', address: server.address, token: server.rootToken.reveal(), snapshot: 'off' })

const artifacts = new Map<string, Buffer>()
const [captured, bareWrite, bareRead, capture] = await withServer(async (server, client) => {
  const [, write] = await timed('bare API: write', () => writeAll(client))
  const [point, ours] = await timed('holdfast: capture', () =>
    captureOpenbao(
      settingsOf(server),
      {
        async write(role, _kind, content) {
          const chunks: Uint8Array[] = []
          for await (const chunk of content) chunks.push(chunk)
          artifacts.set(role, Buffer.concat(chunks))
        },
      },
      context,
    ),
  )
  const [, read] = await timed('bare API: read', () => readAll(client))
  return [point, write, read, ours] as const
})

const restore = await withServer(async (server) => {
  const target = await openbaoDriver.open(
    settingsOf(server),
    { mode: 'in-place', restoreId: '00000000', scratchFolder: '' },
    context,
  )
  const source = {
    roles: [...artifacts.keys()],
    sizeOf: (role: string) => artifacts.get(role)?.length ?? 0,
    async *read(role: string) {
      yield artifacts.get(role) ?? Buffer.alloc(0)
    },
  }
  const [, load] = await timed('holdfast: restore', () => target.load(captured.details, source, context))
  const [differences] = await timed('holdfast: compare', () => target.compare(captured.details, context))
  if (differences.length > 0) throw new Error(`${differences.length} differences`)
  return load
})

console.log(
  JSON.stringify({
    work: 'capture and restore together',
    seconds: Number((capture + restore).toFixed(2)),
    goalSeconds: 60,
    captureToBare: Number((capture / bareRead).toFixed(2)),
    restoreToBare: Number((restore / bareWrite).toFixed(2)),
  }),
)
