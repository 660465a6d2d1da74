import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { isRoot } from '../process/accounts.ts'
import { environmentVariable } from '../environment.ts'

/** Where things are kept that can be made again, as the XDG base directories have it, and in /var/cache for root. */
function cacheFolder(): string {
  if (isRoot()) return '/var/cache/holdfast'
  const xdg = environmentVariable('XDG_CACHE_HOME')
  return xdg !== undefined && isAbsolute(xdg) ? join(xdg, 'holdfast') : join(homedir(), '.cache', 'holdfast')
}

/** The value that was cached under this name; undefined when there is none, or it cannot be read. */
export async function readCached(name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(cacheFolder(), name), 'utf8'))
  } catch {
    // Whatever is wrong with it, it is made again.
    return undefined
  }
}

/** Keeps a value where that is possible; whoever cannot write there computes it each time. */
export async function writeCached(name: string, value: unknown): Promise<void> {
  const path = join(cacheFolder(), name)
  const unfinished = `${path}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(unfinished, JSON.stringify(value), { mode: 0o600 })
    await rename(unfinished, path)
  } catch {
    // A cache that cannot be written loses time and nothing else.
  }
}
