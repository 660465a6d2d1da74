import { constants } from 'node:fs'
import { access, chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { faultInWords } from '../../../core/environment-fault.ts'
import { describe, Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import { makeTemporaryFolder, SHORT_FOLDER } from '../../../system/files/temporary-folder.ts'
import { freePort } from '../../../system/free-port.ts'
import { pathFolders } from '../../../system/process/program-folders.ts'
import { stream } from '../../../system/process/run.ts'
import { Client } from '../client/client.ts'

const START_LIMIT = 60_000

export interface ThrowAwayOptions {
  /** The program `bao`, or `vault`. */
  readonly program: string
  /** Private and empty. */
  readonly folder: string
  /** In memory, behind a unix socket; or raft, on a free port of the loopback, which raft needs. */
  readonly storage: 'inmem' | 'raft'
  /** Of its configuration: a seal by which it opens itself. Shamir's when absent. */
  readonly seal?: string
  readonly context: Context
}

/** A server that this process started, initialised and unsealed. The kernel ends it with this process. */
export interface ThrowAwayServer {
  readonly address: string
  readonly rootToken: Secret
  readonly unsealKey: Secret
  unseal(key: Secret): Promise<void>
  /** With keys of which several are needed. Fails when it does not become active. */
  unsealWith(keys: readonly Secret[]): Promise<void>
  /** Until it answers requests: a seal of its own opens it. */
  untilActive(): Promise<void>
  /** Ends it at once. Its data stays. */
  kill(): Promise<void>
  /** Starts it again on its data, sealed. */
  restart(): Promise<void>
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

const UNIX = 'unix://'
const SOCKET = 'socket'

/** The first that is there; KV is the same in both. */
const PROGRAMS = ['bao', 'vault']

function onPath(program: string): string[] {
  return pathFolders().map((folder) => join(folder, program))
}

/** The program that the settings name, or the first on PATH. */
export async function findProgram(configured: string | undefined): Promise<string> {
  const candidates = configured === undefined ? PROGRAMS.flatMap(onPath) : [configured]
  for (const path of candidates) if (await isExecutable(path)) return path
  throw new Failure(
    'notFound',
    `openbao: the program ${configured === undefined ? 'bao or vault' : 'of the server'} is not ${configured === undefined ? 'on PATH' : `at ${configured}`}`,
    {
      hint: 'Install OpenBao on this machine, or name its program with serverProgram; a drill starts a throw-away server.',
    },
  )
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

export async function startThrowAway(options: ThrowAwayOptions): Promise<ThrowAwayServer> {
  const server = new Process(options, await addressIn(options))
  try {
    await server.restart()
    await server.initialise()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

const ONE_SHARE = { secret_shares: 1, secret_threshold: 1 }
const ONE_RECOVERY_SHARE = { recovery_shares: 1, recovery_threshold: 1 }
/** No keys where a seal opens it. */
const initialised = z.object({ keys: z.array(z.string()), root_token: z.string() })

class Process implements ThrowAwayServer {
  readonly address: string
  readonly #options: ThrowAwayOptions
  #keys: { readonly rootToken: Secret; readonly unsealKey: Secret } | undefined
  #cluster: string | undefined
  #running: { readonly ended: Promise<Failure>; readonly abandon: AbortController } | undefined

  constructor(options: ThrowAwayOptions, address: string) {
    this.#options = options
    this.address = address
  }

  get rootToken(): Secret {
    return this.#made().rootToken
  }

  get unsealKey(): Secret {
    return this.#made().unsealKey
  }

  async restart(): Promise<void> {
    await this.kill()
    const { context, folder, program } = this.#options
    const config = join(folder, 'server.hcl')
    await mkdir(join(folder, 'data'), { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
    // One address for its life: raft writes down where its peers are.
    this.#cluster ??= `127.0.0.1:${await freePort()}`
    await writeFile(config, configuration(this.#options, this.address, this.#cluster), { mode: 0o600 })
    await context.effects.run('openbao: start a throw-away server', async () => {
      const abandon = new AbortController()
      const limits = { idleLimit: Infinity, totalLimit: Infinity }
      const output = stream({
        file: program,
        args: ['server', '-config', config],
        directory: folder,
        signal: abandon.signal,
        ...limits,
      })
      this.#running = { ended: endOf(output), abandon }
      await this.#untilUp(this.#running.ended)
    })
  }

  async initialise(): Promise<void> {
    const opensItself = this.#options.seal !== undefined
    const { body } = await this.#ask('sys/init', opensItself ? ONE_RECOVERY_SHARE : ONE_SHARE)
    const { keys, root_token } = initialised.parse(body)
    this.#keys = { rootToken: new Secret(root_token), unsealKey: new Secret(keys[0] ?? '') }
    await (opensItself ? this.untilActive() : this.unseal(this.unsealKey))
  }

  unseal(key: Secret): Promise<void> {
    return this.unsealWith([key])
  }

  async unsealWith(keys: readonly Secret[]): Promise<void> {
    for (const key of keys) await this.#ask('sys/unseal', { key: key.reveal() })
    await this.untilActive()
  }

  async untilActive(): Promise<void> {
    const { clock, signal } = this.#options.context
    const deadline = clock.monotonic() + START_LIMIT
    while (!(await this.#isActive())) {
      if (clock.monotonic() > deadline)
        throw new Failure('toolFailed', 'openbao: the throw-away server does not become active')
      await clock.sleep(50, signal)
    }
  }

  async kill(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    if (running === undefined) return
    running.abandon.abort()
    await running.ended
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#options.folder, { recursive: true, force: true })
    if (this.address.startsWith(UNIX))
      await rm(dirname(this.address.slice(UNIX.length)), { recursive: true, force: true })
  }

  #made(): { readonly rootToken: Secret; readonly unsealKey: Secret } {
    if (this.#keys === undefined) throw new Failure('bug', 'a throw-away server was not initialised')
    return this.#keys
  }

  async #untilUp(ended: Promise<Failure>): Promise<void> {
    const { clock, signal } = this.#options.context
    const deadline = clock.monotonic() + START_LIMIT
    for (;;) {
      const early = await Promise.race([ended, clock.sleep(50, signal)])
      if (early !== undefined) throw early
      if (await this.#answers('sys/seal-status', [200])) return
      if (clock.monotonic() > deadline) throw new Failure('toolFailed', 'openbao: the throw-away server does not start')
    }
  }

  #isActive(): Promise<boolean> {
    return this.#answers('sys/health', [200])
  }

  async #answers(path: string, statuses: readonly number[]): Promise<boolean> {
    return this.#ask(path, undefined).then(
      ({ status }) => statuses.includes(status),
      () => false,
    )
  }

  async #ask(path: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    const settings = { address: this.address, namespace: undefined, ca: undefined, credentials: undefined }
    const client = new Client({ ...settings, workers: 1, retryMilliseconds: 0 }, this.#options.context)
    try {
      return await client.call(body === undefined ? { path } : { method: 'PUT', path, body })
    } finally {
      await client.close()
    }
  }
}

const LOG_KEPT = 4096

/** It logs to its standard output, whose last lines say why it ended. */
async function endOf(output: AsyncIterable<Uint8Array>): Promise<Failure> {
  let log = ''
  try {
    for await (const chunk of output) log = (log + Buffer.from(chunk).toString('utf8')).slice(-LOG_KEPT)
    return endedServer('openbao: the throw-away server ended: ', log)
  } catch (error) {
    return endedServer(`${describe(error)}\n`, log, error)
  }
}

function endedServer(message: string, log: string, error?: unknown): Failure {
  const told = error instanceof Failure && error.kind !== 'toolFailed' ? error.kind : undefined
  const fault = faultInWords(log)
  return new Failure(told ?? fault?.kind ?? 'toolFailed', message + log, {
    cause: error,
    ...(fault === undefined ? {} : { hint: fault.hint }),
  })
}

/** The path of a unix socket has at most 107 bytes. */
const LONGEST_SOCKET = 107

async function addressIn({ storage, folder }: ThrowAwayOptions): Promise<string> {
  if (storage !== 'inmem') return `http://127.0.0.1:${await freePort()}`
  const socket = join(folder, SOCKET)
  if (Buffer.byteLength(socket) <= LONGEST_SOCKET) return `${UNIX}${socket}`
  return `${UNIX}${join(await makeTemporaryFolder('kept', SHORT_FOLDER), SOCKET)}`
}

/** What was captured fitted some server, whose limits may be others than the default ones. Vault passes over these lines. */
const UNLIMITED = ['size', 'json_memory', 'json_strings'].map((what) => `max_request_${what} = -1`).join('\n  ')

/** Names that a server took where others refuse them. */
const ANY_NAMES = 'disable_printable_check = true'
/**
 * With enough unseal keys a root token can be made: the tokens inside a snapshot may have ended. Vault does not start on raft
 * unless it is said whether memory may be swapped out; OpenBao passes over that line.
 */
function configuration({ storage, folder, seal = '' }: ThrowAwayOptions, address: string, cluster: string): string {
  if (storage === 'inmem')
    return `disable_mlock = true
${ANY_NAMES}
storage "inmem" {}
listener "unix" {
  address = ${JSON.stringify(address.slice('unix://'.length))}
  ${UNLIMITED}
}
`
  const { host } = new URL(address)
  return `disable_mlock = true
${ANY_NAMES}
storage "raft" {
  path = ${JSON.stringify(join(folder, 'data'))}
  node_id = "one"
  performance_multiplier = 1
}
listener "tcp" {
  address = ${JSON.stringify(host)}
  cluster_address = "${cluster}"
  tls_disable = true
  ${UNLIMITED}
  disable_unauthed_generate_root_endpoints = false
}
${seal}
api_addr = ${JSON.stringify(address)}
cluster_addr = "http://${cluster}"
`
}
