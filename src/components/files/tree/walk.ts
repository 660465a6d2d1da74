import type { BigIntStats } from 'node:fs'
import { hasCode } from '../../../system/files/errno.ts'
import { fileFailure } from '../failures.ts'
import { namesIn, openInside, statIn, type Folder } from './folder.ts'
import { joined, ROOT, shown, type RawPath } from './names.ts'

/** Something seen in a walk. `folder` is open until the next one is asked for. */
export interface Found {
  readonly path: RawPath
  readonly name: RawPath
  readonly folder: Folder
  readonly stat: BigIntStats
}

interface Level {
  readonly folder: Folder
  readonly path: RawPath
  readonly names: readonly RawPath[]
  next: number
}

/**
 * All that is below a folder, in walk order, never following a link. Folders for which `enters` says no are given and
 * not entered. Memory holds the names of one folder per level. What disappears during the walk is left out.
 */
export async function* walk(root: Folder, enters: (found: Found) => boolean): AsyncGenerator<Found> {
  const levels = [await levelOf(root, ROOT)]
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const found = await nextOf(level)
      if (found === 'end') {
        levels.pop()
        if (level.folder !== root) await level.folder.handle.close()
      } else if (found !== undefined) {
        yield found
        const below = found.stat.isDirectory() && enters(found) ? await enter(found) : undefined
        if (below !== undefined) levels.push(below)
      }
    }
  } finally {
    for (const { folder } of levels) if (folder !== root) await folder.handle.close()
  }
}

async function nextOf(level: Level): Promise<Found | 'end' | undefined> {
  const name = level.names[level.next]
  if (name === undefined) return 'end'
  level.next += 1
  const stat = await statIn(level.folder, name)
  return stat === undefined ? undefined : { path: joined(level.path, name), name, folder: level.folder, stat }
}

async function enter({ path, name, folder }: Found): Promise<Level | undefined> {
  try {
    return await levelOf(await openInside(folder, name), path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    const replaced = hasCode(error, 'ENOTDIR', 'ELOOP')
    throw fileFailure(
      replaced ? 'walk on, as a folder was replaced during the walk:' : 'read folder',
      shown(path),
      error,
    )
  }
}

async function levelOf(folder: Folder, path: RawPath): Promise<Level> {
  return { folder, path, names: await namesIn(folder), next: 0 }
}
