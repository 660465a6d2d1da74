import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { environmentOf, partsCache, unpackOnce } from './debian-packages.ts'

const execute = promisify(execFile)
const INCLUDED = 'ca-certificates,postgresql,procps,tini'

/** A folder with Debian 12 and its PostgreSQL 15: the base of images for tests, made once. Needs root. */
export async function debianRootFilesystem(): Promise<string> {
  const folder = join(partsCache, 'root-filesystem')
  if (existsSync(folder)) return folder
  const tools = await unpackOnce('debootstrap', ['debootstrap', 'debian-archive-keyring'])
  await mkdir(partsCache, { recursive: true })
  const unfinished = await mkdtemp(`${folder}.tmp-`)
  try {
    await bootstrap(tools, unfinished)
    if (!existsSync(folder)) await rename(unfinished, folder)
  } catch (cause) {
    throw new Error('a root file system for images of tests could not be made', { cause })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return folder
}

async function bootstrap(tools: string, folder: string): Promise<void> {
  const keyring = join(tools, 'usr/share/keyrings/debian-archive-keyring.gpg')
  const args = ['--variant=minbase', `--keyring=${keyring}`, `--include=${INCLUDED}`, 'bookworm', folder]
  const { HOME, http_proxy, https_proxy } = process.env
  const env = {
    HOME,
    http_proxy,
    https_proxy,
    ...environmentOf(tools),
    DEBOOTSTRAP_DIR: join(tools, 'usr/share/debootstrap'),
  }
  await execute(join(tools, 'usr/sbin/debootstrap'), args, { env, timeout: 900_000, maxBuffer: 64 * 1024 * 1024 })
  for (const left of ['var/cache/apt/archives', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale'])
    await rm(join(folder, left), { recursive: true, force: true })
}

/** Its one program is the one that is named, linked statically: no shell, no cat, nothing else. */
export async function busybox(): Promise<string> {
  return join(await unpackOnce('busybox', ['busybox-static']), 'bin', 'busybox')
}
