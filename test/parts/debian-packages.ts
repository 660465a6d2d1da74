import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** What parts are built or unpacked into, once for all runs. */
export const partsCache = process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache', 'holdfast-parts')

/**
 * A folder of the cache with these packages and what this machine lacks of their dependencies, unpacked. Nothing of the
 * machine is changed, and no service is started. `links` are those that an installation would make, by their path.
 */
export async function unpackOnce(
  name: string,
  packages: readonly string[],
  links: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = join(partsCache, name)
  if (existsSync(folder)) return folder
  await mkdir(dirname(folder), { recursive: true })
  const work = await mkdtemp(`${folder}.tmp-`)
  try {
    await mkdir(join(work, 'archives', 'partial'), { recursive: true })
    await download(join(work, 'archives'), packages)
    const unpacked = join(work, basename(folder))
    for (const archive of globSync(join(work, 'archives', '*.deb')))
      await execute('dpkg-deb', ['-x', archive, unpacked])
    for (const [path, target] of Object.entries(links)) await symlink(target, join(unpacked, path))
    if (!existsSync(folder)) await rename(unpacked, folder)
  } catch (cause) {
    throw new Error(`Debian's packages ${packages.join(', ')} could not be fetched for the tests`, { cause })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return folder
}

async function download(archives: string, packages: readonly string[]): Promise<void> {
  const options = ['-o', `Dir::Cache::archives=${archives}`, '-o', 'Debug::NoLocking=1', '--no-install-recommends']
  const fetch = (): Promise<unknown> =>
    execute('apt-get', ['install', '-y', '-q', '--download-only', '--reinstall', ...options, ...packages], {
      timeout: 300_000,
    })
  await fetch().catch(async () => {
    await execute('apt-get', ['update', '-q'], { timeout: 300_000 })
    await fetch()
  })
}

/** The environment in which programs of an unpacked folder find each other and their libraries. */
export function environmentOf(folder: string): Readonly<Record<string, string>> {
  const libraries = globSync(join(folder, '{usr/,}lib/*-linux-*'))
  return {
    PATH:
      ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((path) => join(folder, path)).join(':') +
      ':/usr/sbin:/usr/bin:/sbin:/bin',
    LD_LIBRARY_PATH: libraries.join(':'),
    ...Object.fromEntries(globSync(join(folder, 'usr/lib/*/xtables')).map((path) => ['XTABLES_LIBDIR', path])),
  }
}
