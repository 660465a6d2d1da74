import { constants, existsSync, type BigIntStats } from 'node:fs'
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from '../../../system/files/errno.ts'
import { naming } from '../failures.ts'
import { bytesOf, rawOf, type RawPath } from './names.ts'

/**
 * A folder that was opened once and stays the same folder, whatever is renamed or linked meanwhile: Node has no
 * `openat`, but the kernel resolves `/proc/self/fd/<n>/<name>` from the open folder. So no symbolic link that someone
 * puts in place of a parent is ever followed, and paths may be longer than the kernel takes in one call.
 */
export interface Folder {
  readonly handle: FileHandle
  /** How the kernel reaches it. */
  readonly location: Buffer
}

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
// Without /proc (not Linux) names are resolved from the path, as every other program there does.
const hasProc = existsSync('/proc/self/fd')

/** Opens a folder by path; fails with ENOTDIR or ELOOP when its last segment is a symbolic link. */
export async function openFolder(path: string | Buffer): Promise<Folder> {
  const handle = await open(path, OPEN_FOLDER)
  return { handle, location: Buffer.from(hasProc ? `/proc/self/fd/${handle.fd}` : path) }
}

/** Where the folder above `path` is opened. Links on the way there are followed: whoever wrote `path` meant them. */
export function parentFolder(path: string): string {
  return `${dirname(path)}/.`
}

/** Opens a folder for the time of `act`; names it when it cannot be opened. */
export async function withFolder<Result>(path: string, act: (folder: Folder) => Promise<Result>): Promise<Result> {
  const folder = await naming('open folder', path, () => openFolder(path))
  try {
    return await act(folder)
  } finally {
    await folder.handle.close()
  }
}

export function openInside(folder: Folder, name: RawPath): Promise<Folder> {
  return openFolder(child(folder, name))
}

/** A path for one call on something in the folder; `name` is a single name. */
export function child(folder: Folder, name: RawPath): Buffer {
  return Buffer.concat([folder.location, SLASH, bytesOf(name)])
}
const SLASH = Buffer.from('/')

/** Names of all that is in the folder, in the order of their bytes. */
export async function namesIn(folder: Folder): Promise<RawPath[]> {
  const names = await readdir(folder.location, { encoding: 'buffer' })
  return names.map(rawOf).sort()
}

/** Undefined when there is nothing of this name. */
export async function statIn(folder: Folder, name: RawPath): Promise<BigIntStats | undefined> {
  return await statOf(child(folder, name))
}

/** What is at a path itself, not what a link there points to. Undefined when there is nothing. */
export async function statOf(path: string | Buffer): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
