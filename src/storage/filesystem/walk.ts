import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { byName, isBlobName } from '../names.ts'
import { isMissing } from './failures.ts'
import { isTemporaryName } from './temporary.ts'

export interface FoundFile {
  /** Relative to the root, with slashes. */
  readonly name: string
  readonly size: number
  readonly modified: Date
}

/** All blobs whose name starts with `prefix`, in name order, with one folder's names in memory for each level. */
export async function* walkBlobs(root: string, prefix: string): AsyncGenerator<FoundFile, void, void> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  for await (const entry of walk(root, folder, (key) => couldMatch(key, prefix))) {
    if (isBlobName(entry.name) && entry.name.startsWith(prefix)) yield entry
  }
}

/** All temporary files. */
export async function* walkTemporaries(root: string): AsyncGenerator<FoundFile, void, void> {
  for await (const entry of walk(root, '', () => true)) {
    if (isTemporaryName(entry.name.slice(entry.name.lastIndexOf('/') + 1))) yield entry
  }
}

/** Whether a file of this name, or anything in a folder (a key that ends with a slash), can start with the prefix. */
function couldMatch(key: string, prefix: string): boolean {
  return key.startsWith(prefix) || (key.endsWith('/') && prefix.startsWith(key))
}

async function* walk(
  root: string,
  folder: string,
  wanted: (key: string) => boolean,
): AsyncGenerator<FoundFile, void, void> {
  for (const key of await keysOf(root, folder)) {
    if (!wanted(key)) continue
    if (key.endsWith('/')) yield* walk(root, key, wanted)
    else yield* look(root, key)
  }
}

/**
 * The entries of a folder in the order in which the names under them come. A folder counts as its name and a slash:
 * `a-b` comes before everything in `a/`, although `a` comes before `a-b`.
 */
async function keysOf(root: string, folder: string): Promise<string[]> {
  try {
    const entries = await readdir(join(root, folder), { withFileTypes: true })
    return entries.map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`).sort(byName)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** A file that was removed since its folder was read is not there. Links and devices are nobody's blob. */
async function* look(root: string, name: string): AsyncGenerator<FoundFile, void, void> {
  try {
    const found = await lstat(join(root, name))
    if (found.isFile()) yield { name, size: found.size, modified: found.mtime }
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
