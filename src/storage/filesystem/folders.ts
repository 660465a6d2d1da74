import { access, constants, mkdir, open, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, isMissing } from './failures.ts'

const FOLDER_MODE = 0o700

/** Makes what a folder's entries were changed to survive power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some network and FUSE file systems have no fsync for folders; they promise no more than that.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  } finally {
    await handle.close()
  }
}

/** As `syncFolder`; a folder that another process removed meanwhile is gone from the one above it, which is synced then. */
async function syncNearest(folder: string): Promise<void> {
  try {
    await syncFolder(folder)
  } catch (error) {
    if (!isMissing(error) || folder === dirname(folder)) throw error
    await syncNearest(dirname(folder))
  }
}

/** Makes a folder and those above it, and makes each new one survive power loss before anything is put into it. */
export async function makeFolders(folder: string): Promise<void> {
  const topmost = await mkdir(folder, { recursive: true, mode: FOLDER_MODE }).catch(async (error: unknown) => {
    throw (await refusalOf(folder)) ?? error
  })
  if (topmost === undefined) return
  for (let made = folder; made.length >= topmost.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Node reports a folder that cannot be made on a read-only medium as missing; why it could not says its nearest parent. */
async function refusalOf(folder: string): Promise<unknown> {
  for (let parent = dirname(folder); parent !== dirname(parent); parent = dirname(parent)) {
    const refusal = await access(parent, constants.W_OK).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal === undefined) return undefined
    if (codeOf(refusal) !== 'ENOENT') return refusal
  }
  return undefined
}

/**
 * After the removal of a blob: makes it survive power loss and then removes the folders over it, below `root`, that are
 * empty now. Another writer's new blob keeps its folder.
 */
export async function settleRemoval(root: string, relativeFolder: string): Promise<void> {
  await syncNearest(join(root, relativeFolder))
  for (let folder = relativeFolder; folder !== '.'; folder = dirname(folder)) {
    if (!(await removeIfEmpty(join(root, folder)))) return
    await syncNearest(join(root, dirname(folder)))
  }
}

async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    // Not empty, in use, gone already, or not ours to remove: an empty folder left over is no blob and harms nothing.
    if (['ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(codeOf(error) ?? ''))
      return false
    throw error
  }
}
