import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Enclosure, Running } from './enclosure.ts'
import { zooCache } from './install.ts'

const execute = promisify(execFile)
/** Debian's package and the libraries that a server machine may lack. */
const PACKAGES = ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2', 'liblua5.1-0', 'lua-cjson', 'lua-bitop']
const LIBRARIES = 'usr/lib/x86_64-linux-gnu'

/** Starts Redis on its usual port inside an enclosure; it is not installed on the machine but unpacked. */
export async function startRedis(enclosure: Enclosure, folder: string): Promise<Running> {
  const program = findOnPath() ?? (await unpacked())
  const environment = { LD_LIBRARY_PATH: join(program, '..', '..', '..', LIBRARIES) }
  return enclosure.start([program, '--bind', '127.0.0.1', '--save', '', '--dir', folder], { environment, folder })
}

function findOnPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, 'redis-server')).find((file) => existsSync(file))
}

async function unpacked(): Promise<string> {
  const folder = join(zooCache(), 'redis')
  const program = join(folder, 'usr', 'bin', 'redis-server')
  if (existsSync(program)) return program
  await mkdir(zooCache(), { recursive: true })
  const unfinished = await mkdtemp(join(zooCache(), '.redis-'))
  try {
    await execute('apt-get', ['-o', 'APT::Sandbox::User=', '-q', 'download', ...PACKAGES], { cwd: unfinished })
    for (const file of await readdir(unfinished)) await execute('dpkg', ['-x', join(unfinished, file), unfinished])
    await rename(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return program
}
