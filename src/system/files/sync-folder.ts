import { access, constants, mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { hasCode } from './errno.ts'

/** Makes what was created, renamed or removed in a folder survive power loss. */
export async function syncFolder(path: string): Promise<void> {
  await syncOpenFolder(await open(path, 'r'))
}

/** The same for a folder that is open, and closes it. */
export async function syncOpenFolder(folder: FileHandle): Promise<void> {
  try {
    await folder.sync()
  } catch (error) {
    // Some network and FUSE file systems have no fsync for folders; they promise no more than that.
    if (!hasCode(error, 'EINVAL', 'ENOTSUP')) throw error
  } finally {
    await folder.close()
  }
}

/** Makes a folder and those above it, and makes each new one survive power loss before anything is put into it. */
export async function makeFolders(folder: string, mode = 0o700): Promise<void> {
  const path = resolve(folder)
  const topmost = await mkdir(path, { recursive: true, mode }).catch(async (error: unknown) => {
    throw (await refusalOf(path)) ?? error
  })
  if (topmost === undefined) return
  for (let made = path; made.length >= topmost.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Node reports a folder that cannot be made on a read-only medium as missing; why it could not says its nearest parent. */
async function refusalOf(path: string): Promise<unknown> {
  for (let parent = dirname(path); parent !== dirname(parent); parent = dirname(parent)) {
    const refusal = await access(parent, constants.W_OK).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal === undefined) return undefined
    if (!hasCode(refusal, 'ENOENT')) return refusal
  }
  return undefined
}
