/**
 * A program of its own: the one container engine of all tests on this machine. Each test process holds a connection to it;
 * the engine ends some seconds after the last of them is gone, however it ended. Everything runs in namespaces of its own,
 * which the kernel ends with it: addresses, mounts and processes are never on this machine.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { environmentOf, partsCache, unpackOnce } from '../debian-packages.ts'
import { engineApi, type EngineApi } from './api.ts'
import { loadImages } from './images.ts'
import { MEETING_POINT, type RunningEngine } from './meeting-point.ts'

const LINGER = 15_000
const READY_LIMIT = 60_000
const STOP_LIMIT = 30_000
const folder = join(partsCache, 'docker')
const socket = join(folder, 'run', 'docker.sock')

/** Run by a shell as the first process of the namespaces. /run has the locks and sockets of another engine. */
const BEGIN = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec tini -g -- dockerd "$@"'
const FLAGS = ['--data-root', join(folder, 'data'), '-H', `unix://${socket}`, '--group', '0', '--ip6tables=false']
const ADDRESSES = ['--bip', '172.30.0.1/24', '--default-address-pool', 'base=172.31.0.0/16,size=24']

const PACKAGES = ['docker.io', 'containerd', 'runc', 'tini', 'iptables']
const LINKS = { 'usr/sbin/iptables': 'xtables-nft-multi', 'usr/sbin/ip6tables': 'xtables-nft-multi' }

const users = new Set<Socket>()
let linger: NodeJS.Timeout | undefined
const meeting = createServer((user) => {
  users.add(user)
  clearTimeout(linger)
  user.on('error', () => undefined)
  user.on('close', () => {
    users.delete(user)
    if (users.size === 0) linger = setTimeout(() => void end(0), LINGER)
  })
  void ready.then((engine) => user.write(`${JSON.stringify(engine)}\n`))
})
meeting.on('error', () => process.exit(0))
// Whoever is second finds the address in use, and there is one engine. The process that is gone leaves nothing of it.
await new Promise<void>((resolve) => meeting.listen(MEETING_POINT, resolve))
let server: ChildProcess | undefined
const ready = start().catch(async (error: unknown) => {
  await end(1)
  throw error
})
linger = setTimeout(() => void end(0), READY_LIMIT)

async function start(): Promise<RunningEngine> {
  const packages = await unpackOnce('docker-engine', PACKAGES, LINKS)
  await rm(join(folder, 'run'), { recursive: true, force: true })
  await mkdir(join(folder, 'run'), { recursive: true })
  const log = openSync(join(folder, 'run', 'engine.log'), 'w')
  const own = ['--net', '--mount', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc']
  const command = ['--', 'sh', '-c', BEGIN, 'sh', ...FLAGS, ...ADDRESSES]
  server = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'unshare', ...own, ...command], {
    env: { ...environmentOf(packages), HOME: folder },
    stdio: ['ignore', log, log],
  })
  server.on('exit', () => process.exit(1))
  const api = engineApi(socket)
  await untilReady(api)
  await removeLeft(api)
  await loadImages(api)
  return { socket, pid: firstProcess() }
}

async function untilReady(api: EngineApi): Promise<void> {
  for (let waited = 0; waited < READY_LIMIT; waited += 100) {
    const answer = await api.ask('GET', '/_ping').catch(() => undefined)
    if (answer?.status === 200) return
    await sleep(100)
  }
  throw new Error(`the container engine for tests was not ready after ${READY_LIMIT / 1000} s`)
}

/** What tests left that were killed together with the engine. */
async function removeLeft(api: EngineApi): Promise<void> {
  const left = await api.must('GET', '/containers/json?all=1')
  for (const { Id } of left as readonly { readonly Id: string }[])
    await api.must('DELETE', `/containers/${Id}?force=1&v=1`)
  for (const kind of ['networks', 'volumes']) await api.must('POST', `/${kind}/prune`)
}

/** Of the namespaces, as this machine numbers it. */
function firstProcess(): number {
  return Number(readFileSync(`/proc/${server?.pid}/task/${server?.pid}/children`, 'utf8').trim())
}

async function end(code: number): Promise<void> {
  meeting.close()
  if (server !== undefined) {
    server.removeAllListeners('exit')
    const gone = new Promise((resolve) => server?.once('exit', resolve))
    process.kill(firstProcess(), 'SIGTERM')
    await Promise.race([gone, sleep(STOP_LIMIT)])
    server.kill('SIGKILL')
  }
  process.exit(code)
}
