import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** What the files below a path take, by their lengths. What goes away meanwhile counts for nothing. */
export async function treeBytes(path: string): Promise<number> {
  const stat = await lstat(path).catch(() => undefined)
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return stat.size
  let bytes = 0
  for (const name of await readdir(path).catch(() => [])) bytes += await treeBytes(join(path, name))
  return bytes
}
