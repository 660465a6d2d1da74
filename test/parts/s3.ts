import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/system/free-port.ts'
import { endServer, spawnDyingWithUs } from './child-server.ts'
import { buildOnce } from './go-build.ts'
import { setTimeout as sleep } from 'node:timers/promises'

/** A real S3 server for tests, which may create buckets. */
export interface TestS3 {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  /** Ends the server and removes its data; does nothing to a server that was given by the environment. */
  stop(): Promise<void>
  /** Ends the server; it can be started again on the same port, with its data. Fails for a server that was given. */
  end(): Promise<void>
  startAgain(): Promise<void>
}

const SERVER = 'github.com/versity/versitygw/cmd/versitygw'
const READY_LIMIT = 15_000

/**
 * The S3 server that HOLDFAST_TEST_S3_ENDPOINT names (with _ACCESS_KEY, _SECRET_KEY and _REGION), or a private
 * versitygw on a free port of the loopback. It is built from source the first time, which takes about a minute.
 */
export async function startS3(): Promise<TestS3> {
  const { HOLDFAST_TEST_S3_ENDPOINT: endpoint } = process.env
  return endpoint === undefined ? startOwn(await buildS3Server()) : given(endpoint)
}

function given(endpoint: string): TestS3 {
  const {
    HOLDFAST_TEST_S3_ACCESS_KEY: accessKey,
    HOLDFAST_TEST_S3_SECRET_KEY: secretKey,
    HOLDFAST_TEST_S3_REGION: region,
  } = process.env
  if (accessKey === undefined || secretKey === undefined) {
    throw new Error(
      'HOLDFAST_TEST_S3_ENDPOINT is set without HOLDFAST_TEST_S3_ACCESS_KEY and HOLDFAST_TEST_S3_SECRET_KEY',
    )
  }
  const notOurs = (): Promise<void> =>
    Promise.reject(new Error('the S3 server of the environment is not ended by a test'))
  const stop = async (): Promise<void> => undefined
  return { endpoint, accessKey, secretKey, region: region ?? 'us-east-1', stop, end: notOurs, startAgain: notOurs }
}

/** The program, built from source the first time. Its flags are those of Kubernetes, so that what both need is compiled once. */
export function buildS3Server(): Promise<string> {
  return buildOnce({
    name: 'versitygw',
    module: join(import.meta.dirname, 's3'),
    files: ['go.mod', 'go.sum'],
    args: ['-trimpath', '-ldflags', '-s -w', SERVER],
    environment: { CGO_ENABLED: '0' },
    limit: 10 * 60_000,
    otherwise: 'the S3 server for tests could not be built; set HOLDFAST_TEST_S3_ENDPOINT to use another',
  })
}

async function startOwn(program: string): Promise<TestS3> {
  // The server wants its two folders beside each other, and neither name to be the start of the other.
  // On a disk: it keeps what it knows of an object in extended attributes, which memory has from Linux 6.6 on.
  const folder = await mkdtemp(join(process.env['HOLDFAST_TEST_DISK'] ?? tmpdir(), 'holdfast-s3-'))
  const [data, versions] = [join(folder, 'data'), join(folder, 'versions')]
  await Promise.all([mkdir(data), mkdir(versions)])
  const accessKey = 'holdfast-test'
  const secretKey = randomBytes(16).toString('hex')
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const address = endpoint.slice('http://'.length)
  const args = ['--port', address, '--health', '/ready', '--quiet', 'posix', '--versioning-dir', versions, data]
  const spawn = (): ChildProcess =>
    spawnDyingWithUs(program, args, { env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey } })
  let server = spawn()
  const end = (): Promise<void> => endServer(server)
  const stop = async (): Promise<void> => {
    await end()
    await rm(folder, { recursive: true, force: true })
  }
  const startAgain = async (): Promise<void> => {
    server = spawn()
    await untilReady(`${endpoint}/ready`, server)
  }
  try {
    await untilReady(`${endpoint}/ready`, server)
  } catch (error) {
    await stop()
    throw error
  }
  return { endpoint, accessKey, secretKey, region: 'us-east-1', stop, end, startAgain }
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  for (let waited = 0; waited < READY_LIMIT; waited += 50) {
    if (server.exitCode !== null) throw new Error(`the S3 server for tests ended with ${server.exitCode}`)
    const isReady = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (isReady) return
    await sleep(50)
  }
  throw new Error(`the S3 server for tests was not ready after ${READY_LIMIT / 1000} s`)
}
