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
  for (const keys of inRuns((await keysOf(root, folder)).filter(wanted))) {
    const [first = ''] = keys
    if (first.endsWith('/')) yield* walk(root, first, wanted)
    else for (const found of await Promise.all(keys.map((key) => look(root, key)))) if (found !== undefined) yield found
  }
}

/** Files that are looked at together; one after the other, most of the time goes by with waiting. */
const TOGETHER = 64

/** Each folder for itself, and files that follow each other together. */
function inRuns(keys: readonly string[]): readonly (readonly string[])[] {
  const runs: string[][] = []
  for (const key of keys) {
    const last = runs.at(-1)
    const joins = last !== undefined && last.length < TOGETHER && !key.endsWith('/') && last[0]?.endsWith('/') === false
    if (joins) last.push(key)
    else runs.push([key])
  }
  return runs
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
async function look(root: string, name: string): Promise<FoundFile | undefined> {
  try {
    const found = await lstat(join(root, name))
    return found.isFile() ? { name, size: found.size, modified: found.mtime } : undefined
  } catch (error) {
    if (!isMissing(error)) throw error
    return undefined
  }
}
