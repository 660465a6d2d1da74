import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { byName, isBlobName } from '../names.ts'
import { faultOf } from '../../core/environment-fault.ts'
import { describe } from '../../core/failure.ts'
import { codeOf, isMissing } from '../../system/files/errno.ts'
import type { ListOptions } from '../storage.ts'
import { isTemporaryName } from './temporary.ts'

export interface FoundFile {
  /** Relative to the root, with slashes. */
  readonly name: string
  readonly size: number
  readonly modified: Date
}

/**
 * All blobs whose name starts with `prefix`, in name order, with one folder's names in memory for each level. What is no blob is
 * told to `onOther`, and so is what cannot be looked at below the folder of the prefix.
 */
export async function* walkBlobs(
  root: string,
  prefix: string,
  onOther?: ListOptions['onOther'],
): AsyncGenerator<FoundFile, void, void> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const walking = { root, wanted: (key: string) => couldMatch(key, prefix), onOther }
  for await (const entry of walk(walking, folder)) {
    if (isBlobName(entry.name) && entry.name.startsWith(prefix)) yield entry
  }
}

/** All temporary files. */
export async function* walkTemporaries(root: string): AsyncGenerator<FoundFile, void, void> {
  for await (const entry of walk({ root, wanted: () => true, onOther: undefined }, '')) {
    if (isTemporaryName(entry.name.slice(entry.name.lastIndexOf('/') + 1))) yield entry
  }
}

/** Whether a file of this name, or anything in a folder (a key that ends with a slash), can start with the prefix. */
function couldMatch(key: string, prefix: string): boolean {
  return key.startsWith(prefix) || (key.endsWith('/') && prefix.startsWith(key))
}

interface Walking {
  readonly root: string
  readonly wanted: (key: string) => boolean
  readonly onOther: ListOptions['onOther']
}

async function* walk(walking: Walking, folder: string): AsyncGenerator<FoundFile, void, void> {
  yield* walkKeys(walking, (await keysOf(walking.root, folder)).filter(walking.wanted))
}

async function* walkKeys(walking: Walking, all: readonly string[]): AsyncGenerator<FoundFile, void, void> {
  for (const keys of inRuns(all)) {
    const [first = ''] = keys
    if (first.endsWith('/')) yield* walkBelow(walking, first)
    else
      for (const found of await Promise.all(keys.map((key) => look(walking, key)))) if (found !== undefined) yield found
  }
}

async function* walkBelow(walking: Walking, folder: string): AsyncGenerator<FoundFile, void, void> {
  const { root, wanted, onOther } = walking
  const name = folder.slice(0, -1)
  onOther?.({ name, what: 'folder', message: 'is a folder' })
  const keys = await keysOf(root, folder).catch((error: unknown) => unread(walking, name, error))
  if (keys !== undefined) yield* walkKeys(walking, keys.filter(wanted))
}

function unread({ onOther }: Walking, name: string, error: unknown): undefined {
  if (onOther === undefined) throw error
  const message = `cannot be read: ${faultOf(error)?.what ?? describe(error)} (${codeOf(error)})`
  onOther({ name, what: 'unread', message })
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
async function look(walking: Walking, name: string): Promise<FoundFile | undefined> {
  try {
    const found = await lstat(join(walking.root, name))
    if (found.isFile()) return { name, size: found.size, modified: found.mtime }
    walking.onOther?.(found.isSymbolicLink() ? { name, ...LINK } : { name, ...DEVICE })
  } catch (error) {
    if (!isMissing(error)) return unread(walking, name, error)
  }
  return undefined
}

const LINK = { what: 'link', message: 'is a link, and links are not followed' } as const
const DEVICE = { what: 'device', message: 'is no file' } as const
