import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { engineApi, type EngineApi } from './docker/api.ts'
import { loadImages } from './docker/images.ts'
import { MEETING_POINT, type RunningEngine } from './docker/meeting-point.ts'
import { buildOnce } from './go-build.ts'

/** A real container engine and `docker compose`. */
export interface TestDocker extends EngineApi {
  /** Path of its socket. */
  readonly socket: string
  /** A process in whose network the engine's addresses are. Undefined where an engine is given: that is this machine's. */
  readonly pid: number | undefined
  /** A project of this compose file (JSON is YAML) with a new name, started and healthy; gone after the last test. */
  project(file: ComposeFile): Promise<TestProject>
}

export type ComposeFile = Readonly<Record<string, unknown>>

export interface TestProject {
  readonly name: string
  /** Runs `docker compose` for this project. Gives what it prints. */
  compose(...args: readonly string[]): Promise<string>
  /** Changes the compose file; nothing happens until `compose` is called. */
  write(file: ComposeFile): Promise<void>
  /** Id of the container of this service and number. */
  id(service: string, number?: number): Promise<string>
  /** State of the containers, by `<service>-<number>`. */
  states(): Promise<Readonly<Record<string, string>>>
}

const START_LIMIT = 20 * 60_000
const COMPOSE_LIMIT = 120_000
const FLAGS = '-s -w -X github.com/docker/compose/v2/internal.Version=v2.40.3'

/** The engine whose socket HOLDFAST_TEST_DOCKER names, or the one of all tests, started by the first. Top of the file. */
export async function startDocker(): Promise<TestDocker> {
  const { HOLDFAST_TEST_DOCKER: given } = process.env
  const program = await buildCompose()
  const { socket, pid } = given === undefined ? await meet() : { socket: given, pid: undefined }
  const api = engineApi(socket)
  if (given !== undefined) await loadImages(api)
  return { ...api, socket, pid, project: (file) => newProject(program, { ...api, socket }, file) }
}

/** Built from source the first time: two minutes. */
export function buildCompose(): Promise<string> {
  return buildOnce({
    name: 'docker-compose',
    module: join(import.meta.dirname, 'docker'),
    files: ['go.mod', 'go.sum'],
    args: ['-trimpath', '-ldflags', FLAGS, 'github.com/docker/compose/v2/cmd'],
    environment: { CGO_ENABLED: '0' },
    limit: 20 * 60_000,
    otherwise: 'docker compose could not be built; leave it out with --without docker',
  })
}

/** As long as this process lives, the engine does. */
async function meet(): Promise<RunningEngine> {
  for (let waited = 0; waited < START_LIMIT; waited += 200) {
    const engine = await tryToMeet()
    if (engine !== undefined) return engine
    const program = join(import.meta.dirname, 'docker', 'engine.ts')
    if (waited % 5000 === 0) spawn(process.execPath, [program], { detached: true, stdio: 'ignore' }).unref()
    await sleep(200)
  }
  throw new Error('the container engine for tests could not be started; leave it out with --without docker')
}

/** Undefined where nobody is there, or whoever was there ended before its engine was ready. */
function tryToMeet(): Promise<RunningEngine | undefined> {
  return new Promise((resolve) => {
    const connection = connect(MEETING_POINT)
    let said = ''
    connection.on('error', () => resolve(undefined))
    connection.on('close', () => resolve(undefined))
    connection.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (!said.endsWith('\n')) return
      connection.unref()
      // Our own program wrote it.
      resolve(JSON.parse(said) as RunningEngine)
    })
  })
}

async function newProject(
  program: string,
  api: EngineApi & { readonly socket: string },
  file: ComposeFile,
): Promise<TestProject> {
  const name = `test-${randomBytes(4).toString('hex')}`
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-compose-'))
  const path = join(folder, 'compose.yaml')
  const compose = async (...args: readonly string[]): Promise<string> => {
    const env = { HOME: folder, PATH: process.env['PATH'], DOCKER_HOST: `unix://${api.socket}` }
    const all = ['--progress', 'plain', '-p', name, '-f', path, ...args]
    const { stdout } = await promisify(execFile)(program, all, { env, timeout: COMPOSE_LIMIT })
    return stdout
  }
  // Compose puts variables in the place of one dollar.
  const write = (content: ComposeFile): Promise<void> =>
    writeFile(path, JSON.stringify(content).replaceAll('$', '$$$$'))
  await write(file)
  after(async () => {
    await compose('down', '--volumes', '--remove-orphans', '--timeout', '0')
    await rm(folder, { recursive: true, force: true })
  })
  await compose('up', '--detach', '--wait', '--pull', 'never')
  const list = (): Promise<readonly Listed[]> => listed(api, name)
  return {
    name,
    compose,
    write,
    async id(service, number = 1) {
      const found = (await list()).find((one) => one.workload === `${service}-${number}`)
      if (found === undefined) throw new Error(`there is no container ${service}-${number} of ${name}`)
      return found.id
    },
    states: async () => Object.fromEntries((await list()).map(({ workload, state }) => [workload, state])),
  }
}

interface Listed {
  readonly id: string
  readonly workload: string
  readonly state: string
}

async function listed(api: EngineApi, project: string): Promise<readonly Listed[]> {
  const filters = JSON.stringify({ label: [`com.docker.compose.project=${project}`] })
  const found = await api.must('GET', `/containers/json?all=1&filters=${encodeURIComponent(filters)}`)
  // The shape is the engine's own.
  const containers = found as readonly { Id: string; State: string; Labels: Readonly<Record<string, string>> }[]
  return containers.map(({ Id, State, Labels }) => {
    const [service, number] = ['service', 'container-number'].map((label) => Labels[`com.docker.compose.${label}`])
    return { id: Id, workload: `${service}-${number}`, state: State }
  })
}
