import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../../src/components/openbao/client/client.ts'
import { openbaoSettings } from '../../src/components/openbao/schema.ts'
import type { OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import { Secret } from '../../src/core/secret.ts'
import { freePort } from '../../src/system/free-port.ts'
import { stream } from '../../src/system/process/run.ts'
import { at, findBao } from './openbao.ts'
import { testContext } from './postgres.ts'

/** A server as its operator configured it, rather than as Holdfast would. */
export interface BaoNode {
  readonly address: string
  readonly folder: string
  /** One request with a token or none; gives the body, and fails unless it went well. */
  must(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, token?: string): Promise<unknown>
  start(): Promise<void>
  kill(): Promise<void>
}

export interface NodeOptions {
  readonly scheme?: 'http' | 'https'
  /** File with the certificates to trust. */
  readonly ca?: string
  /** The program of the server, where it is not the one that the other tests have. */
  readonly find?: () => Promise<string>
  /** All but the addresses, which stand for `$ADDRESS` and `$CLUSTER`, and the folder, `$FOLDER`. */
  readonly config: string
}

const START_LIMIT = 120_000

/** Not started yet; gone after the last test. To be called at the top of the file. */
export async function makeNode({ scheme = 'http', ca, find = findBao, config }: NodeOptions): Promise<BaoNode> {
  const program = await find()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-openbao-'))
  const [host, cluster] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const address = `${scheme}://${host}`
  const text = config.replaceAll('$ADDRESS', host).replaceAll('$CLUSTER', cluster).replaceAll('$FOLDER', folder)
  const file = join(folder, 'server.hcl')
  // Vault wants it said; OpenBao passes over it.
  await writeFile(
    file,
    `disable_mlock = true\n${text}\napi_addr = "${address}"\ncluster_addr = "http://${cluster}"\n`,
    { mode: 0o600 },
  )
  let running: { readonly abandon: AbortController; readonly ended: Promise<string> } | undefined
  const kill = async (): Promise<void> => {
    const was = running
    running = undefined
    was?.abandon.abort()
    await was?.ended
  }
  after(async () => {
    await kill()
    await rm(folder, { recursive: true, force: true })
  })
  const must: BaoNode['must'] = async (method, path, body, token) => {
    const credentials = token === undefined ? undefined : ({ type: 'token', token: new Secret(token) } as const)
    const client = new Client(
      { address, namespace: undefined, ca, credentials, workers: 1, retryMilliseconds: 20_000 },
      testContext(),
    )
    try {
      return (await client.call({ method, path, ...(body === undefined ? {} : { body }) })).body
    } finally {
      await client.close()
    }
  }
  const start = async (): Promise<void> => {
    await mkdir(join(folder, 'data'), { recursive: true, mode: 0o700 })
    const abandon = new AbortController()
    const limits = { idleLimit: Infinity, totalLimit: Infinity }
    const args = ['server', '-config', file]
    running = {
      abandon,
      ended: endOf(stream({ file: program, args, directory: folder, signal: abandon.signal, ...limits })),
    }
    const up = untilUp(must)
    const early = await Promise.race([running.ended, up])
    if (typeof early === 'string') throw new Error(`the server ended: ${early}`)
  }
  return { address, folder, must, start, kill }
}

async function untilUp(must: BaoNode['must']): Promise<true> {
  for (const begun = Date.now(); ; await sleep(100)) {
    const isUp = await must('GET', 'sys/seal-status').then(
      () => true,
      () => false,
    )
    if (isUp) return true
    if (Date.now() - begun > START_LIMIT) throw new Error('the server does not answer')
  }
}

async function endOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  let log = ''
  try {
    for await (const chunk of output) log = (log + Buffer.from(chunk).toString('utf8')).slice(-4096)
  } catch (error) {
    return `${String(error)} ${log}`
  }
  return log
}

export interface NodeKeys {
  readonly token: string
  readonly key: string
}

/** With one unseal key; with a seal of its own there is none, and the server opens itself. */
export async function initialise(node: BaoNode, seal: 'shamir' | 'auto' = 'shamir'): Promise<NodeKeys> {
  const shares =
    seal === 'shamir' ? { secret_shares: 1, secret_threshold: 1 } : { recovery_shares: 1, recovery_threshold: 1 }
  const made = await node.must('PUT', 'sys/init', shares)
  const keys = { token: String(at(made, 'root_token')), key: String(at(made, 'keys', '0')) }
  if (seal === 'shamir') await unseal(node, keys)
  await untilActive([node])
  return keys
}

/** With several unseal keys, as people have them. Unsealed. */
export async function initialiseWith(
  node: BaoNode,
  secret_shares: number,
  secret_threshold: number,
): Promise<{ readonly token: string; readonly keys: readonly string[] }> {
  const made = await node.must('PUT', 'sys/init', { secret_shares, secret_threshold })
  const all: readonly unknown[] = Array.from({ length: secret_shares }, (_, place) => at(made, 'keys', String(place)))
  const keys = all.map(String)
  for (const key of keys.slice(0, secret_threshold)) await node.must('PUT', 'sys/unseal', { key })
  await untilActive([node])
  return { token: String(at(made, 'root_token')), keys }
}

/** Again and again: a server that is still joining forgets the key it was given. */
export async function unseal(node: BaoNode, { key }: NodeKeys): Promise<void> {
  for (const begun = Date.now(); ; await sleep(500)) {
    const said = await node.must('PUT', 'sys/unseal', { key }).catch(() => undefined)
    if (at(said, 'sealed') === false) return
    if (Date.now() - begun > START_LIMIT) throw new Error('the server stays sealed')
  }
}

/** The one of these servers that is active, as soon as there is one. */
export async function untilActive(nodes: readonly BaoNode[]): Promise<BaoNode> {
  for (const begun = Date.now(); ; await sleep(200)) {
    for (const node of nodes) {
      const leader = await node.must('GET', 'sys/leader').catch(() => undefined)
      if (leader !== undefined && (at(leader, 'is_self') === true || at(leader, 'ha_enabled') === false)) return node
    }
    if (Date.now() - begun > START_LIMIT) throw new Error('no server becomes active')
  }
}

export async function nodeSettings(
  node: BaoNode,
  { token }: NodeKeys,
  over: Readonly<Record<string, unknown>> = {},
): Promise<OpenbaoSettings> {
  const serverProgram = await findBao()
  return openbaoSettings.parse({
    kind: 'openbao',
    address: node.address,
    token,
    serverProgram,
    retrySeconds: 5,
    ...over,
  })
}
