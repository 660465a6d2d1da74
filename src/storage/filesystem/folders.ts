import { rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode, isMissing } from '../../system/files/errno.ts'
import { syncFolder } from '../../system/files/sync-folder.ts'

/** As `syncFolder`; a folder that another process removed meanwhile is gone from the one above it, which is synced then. */
async function syncNearest(folder: string): Promise<void> {
  try {
    await syncFolder(folder)
  } catch (error) {
    if (!isMissing(error) || folder === dirname(folder)) throw error
    await syncNearest(dirname(folder))
  }
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
    if (isMissing(error) || hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY', 'EACCES', 'EPERM')) return false
    throw error
  }
}
