import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Whether two paths are the same, or one is in the other, by what they really are: links are followed, and a folder that
 * is mounted twice is one. Of what is not there yet, the nearest folder above that is there counts.
 */
export async function pathsOverlap(one: string, other: string): Promise<boolean> {
  const [a, b] = [await realPath(one), await realPath(other)]
  if (isIn(a, b) || isIn(b, a)) return true
  const [above, aboveOther] = [await identitiesAbove(a), await identitiesAbove(b)]
  return above.includes(aboveOther[0] ?? 'nothing') || aboveOther.includes(above[0] ?? 'nothing')
}

async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    return dirname(path) === path ? path : join(await realPath(dirname(path)), basename(path))
  }
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** Of a path and every folder above it; undefined for what is not there. */
async function identitiesAbove(path: string): Promise<readonly (string | undefined)[]> {
  const own = await stat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  )
  return dirname(path) === path ? [own] : [own, ...(await identitiesAbove(dirname(path)))]
}
