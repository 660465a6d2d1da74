import { randomBytes } from 'node:crypto'
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isRoot } from '../process/accounts.ts'
import { hasCode } from './errno.ts'
import { syncFolder } from './sync-folder.ts'

export interface FileOwner {
  readonly mode: number
  /** Ours when absent. Only root can give a file away; for others it stays ours. */
  readonly uid?: number
  readonly gid?: number
}

/** Creates a file that survives power loss. Fails with EEXIST where something is. */
export async function createDurably(path: string, content: string | Uint8Array, owner: FileOwner): Promise<void> {
  await writeWhole(path, content, owner)
  await syncFolder(dirname(path))
}

/** Puts a new file at the path, in place of what is there. After a crash the old or the new file is there, whole. */
export async function replaceDurably(path: string, content: string | Uint8Array, owner: FileOwner): Promise<void> {
  await besideAndThen(path, content, owner, (beside) => renameDurably(beside, path))
}

/** As `createDurably`; after a crash the file is there whole or not at all, where the medium has hard links. */
export async function publishDurably(path: string, content: string | Uint8Array, owner: FileOwner): Promise<void> {
  await besideAndThen(path, content, owner, (beside) => nameDurably(beside, path))
}

/** Gives a finished file, which is on the medium, another name beside it. Fails with EEXIST where something is. */
export async function nameDurably(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
    await rm(from)
  } catch (error) {
    if (!hasCode(error, ...NO_HARD_LINKS)) throw error
    // The name is taken first: a rename alone replaces what another process put there meanwhile.
    await (await open(to, 'wx')).close()
    await rename(from, to).catch(async (cause: unknown) => {
      await rm(to, { force: true })
      throw cause
    })
  }
  await syncFolder(dirname(to))
}

/** FAT, and some network mounts. */
const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK']

/** Renames, and makes it survive power loss in both folders. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from))
}

async function besideAndThen(
  path: string,
  content: string | Uint8Array,
  owner: FileOwner,
  publish: (beside: string) => Promise<void>,
): Promise<void> {
  const beside = `${path}.tmp-${randomBytes(4).toString('hex')}`
  await writeWhole(beside, content, owner)
  try {
    await publish(beside)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

/** Private until it is whole, and only then its owner's. A file that was cut off, for example by a full disk, is removed. */
async function writeWhole(path: string, content: string | Uint8Array, owner: FileOwner): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await give(file, owner)
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** Owner before mode, as a change of owner clears set-user-ID bits. */
async function give(file: FileHandle, { mode, uid, gid }: FileOwner): Promise<void> {
  if (isRoot() && uid !== undefined && gid !== undefined) await file.chown(uid, gid)
  await file.chmod(mode)
}
