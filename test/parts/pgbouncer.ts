import { execFile } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { Server } from '../../src/components/postgres/connection/connection.ts'
import { passwordOf } from '../../src/components/postgres/connection/connection.ts'
import { findAccount, isRoot } from '../../src/system/process/accounts.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { freePort } from '../../src/system/free-port.ts'
import { endServer, spawnDyingWithUs } from './child-server.ts'
import { cacheFolder } from './postgres-versions.ts'

/** A real PgBouncer in front of a server, on a free port of the loopback. */
export interface TestPgBouncer {
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

const PACKAGES = ['pgbouncer', 'libevent-2.1-7', 'libc-ares2']
const READY_LIMIT = 10_000
const execute = promisify(execFile)

/** `settings` go over what a careful operator would have. Clients log in without a password. */
export async function startPgBouncer(
  server: Server,
  settings: Readonly<Record<string, string | number>>,
): Promise<TestPgBouncer> {
  const programs = await findProgram()
  const folder = await makeTemporaryFolder()
  const port = await freePort()
  const user = isRoot() ? await findAccount(['postgres', 'nobody']) : undefined
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(file, await configuration(server, folder, { listen_port: port, ...settings }))
  await chmod(folder, 0o755)
  if (user !== undefined) await chown(file, user.uid, user.gid)
  const child = spawnDyingWithUs(programs.file, ['-q', file], {
    env: { LD_LIBRARY_PATH: programs.libraries },
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  })
  const stop = async (): Promise<void> => {
    await endServer(child)
    await rm(folder, { recursive: true, force: true })
  }
  await untilReady(port, child).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return { host: '127.0.0.1', port, stop }
}

async function configuration(
  server: Server,
  folder: string,
  settings: Readonly<Record<string, string | number>>,
): Promise<string> {
  await writeFile(join(folder, 'users'), `"${server.user}" "${(await passwordOf(server)) ?? ''}"\n`, { mode: 0o644 })
  const all = {
    listen_addr: '127.0.0.1',
    auth_type: 'any',
    auth_file: join(folder, 'users'),
    unix_socket_dir: '',
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  const login = `user=${server.user} password=${(await passwordOf(server)) ?? ''}`
  return `[databases]\n* = host=${server.host} port=${server.port} ${login}\n[pgbouncer]\n${lines.join('\n')}\n`
}

interface Programs {
  readonly file: string
  readonly libraries: string
}

/** The machine's PgBouncer, or Debian's package, unpacked once and not installed. */
async function findProgram(): Promise<Programs> {
  if (existsSync('/usr/sbin/pgbouncer')) return { file: '/usr/sbin/pgbouncer', libraries: '' }
  const folder = join(cacheFolder(), 'pgbouncer')
  if (!existsSync(folder)) await unpack(folder)
  const [triplet = ''] = (await readdir(join(folder, 'usr/lib'))).filter((name) => name.includes('-linux-'))
  return { file: join(folder, 'usr/sbin/pgbouncer'), libraries: join(folder, 'usr/lib', triplet) }
}

async function unpack(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  const unfinished = await mkdtemp(join(dirname(folder), '.pgbouncer-'))
  try {
    await execute('apt-get', ['-o', 'APT::Sandbox::User=', '-q', 'download', ...PACKAGES], { cwd: unfinished })
    for (const file of await readdir(unfinished)) await execute('dpkg', ['-x', file, '.'], { cwd: unfinished })
    await execute('chmod', ['-R', 'a+rX', unfinished])
    await rename(unfinished, folder)
  } catch (cause) {
    throw new Error(`PgBouncer could not be had; install the packages ${PACKAGES.join(' ')}`, { cause })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  for (let waited = 0; waited < READY_LIMIT; waited += 50) {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}`)
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    client.on('error', () => {})
    const answers = await client.connect().then(
      () => true,
      () => false,
    )
    await client.end().catch(() => {})
    if (answers) return
    await sleep(50)
  }
  throw new Error('PgBouncer was not ready')
}
