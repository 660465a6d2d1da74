import { chmod, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { hasCode } from '../../../system/files/errno.ts'
import { naming } from '../failures.ts'
import { child, namesIn, openInside, parentFolder, statIn, statOf, withFolder, type Folder } from './folder.ts'
import { rawOfText, type RawPath } from './names.ts'

/**
 * Removes a file or folder with everything in it, if it is there. Links are removed, not followed; paths may be longer
 * than the kernel takes (`fs.rm` fails there), and folders without permissions are no obstacle for their owner.
 */
export async function removeTree(path: string): Promise<void> {
  await naming('remove', path, async () => {
    // Without the folder it would be in, it is not there either; the folder above has to exist to be opened.
    if ((await statOf(dirname(path))) === undefined) return
    await withFolder(parentFolder(path), (parent) => removeIn(parent, rawOfText(basename(path))))
  })
}

async function removeIn(folder: Folder, name: RawPath): Promise<void> {
  const stat = await statIn(folder, name)
  if (stat === undefined) return
  if (stat.isDirectory()) await removeFolder(folder, name)
  else await ignoringMissing(unlink(child(folder, name)))
}

async function removeFolder(above: Folder, name: RawPath): Promise<void> {
  const folder = await openForRemoval(above, name)
  try {
    for (const inside of await namesIn(folder)) await removeIn(folder, inside)
  } finally {
    await folder.handle.close()
  }
  await ignoringMissing(rmdir(child(above, name)))
}

async function openForRemoval(above: Folder, name: RawPath): Promise<Folder> {
  try {
    const folder = await openInside(above, name)
    // Removing an entry needs write permission on its folder, which a restored read-only folder has not.
    await folder.handle.chmod(0o700).catch(() => {})
    return folder
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error
    await chmod(child(above, name), 0o700)
    return await openInside(above, name)
  }
}

async function ignoringMissing(act: Promise<void>): Promise<void> {
  try {
    await act
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}
