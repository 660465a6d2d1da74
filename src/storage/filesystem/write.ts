import { link, lstat, open, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Bytes } from '../../core/ports.ts'
import { hasCode, isMissing } from '../../system/files/errno.ts'
import { makeFolders, syncFolder } from '../../system/files/sync-folder.ts'
import { linkFailure } from './failures.ts'
import { temporaryName } from './temporary.ts'

const BLOB_MODE = 0o440
const FOLDER_TRIES = 10
// A temporary name is 22 bytes longer than the final one, and a file name may have 255.
const LONGEST_LAST_SEGMENT = 255 - 22

/** What came of a write: the name is ours now, or another blob has it. */
export type Written = 'created' | 'exists'

/**
 * Writes a file whole or not at all, and never over another. The order is the guarantee: the content is on the medium
 * and closed without error before the name exists, and the name is on the medium before this returns. If the process
 * dies before the link, only a temporary file is left, which no reader looks at; after it, the file is there whole.
 */
export async function writeNew(path: string, content: Bytes): Promise<Written> {
  const folder = dirname(path)
  const [temporary, file] = await openTemporary(folder, basename(path))
  try {
    await fill(file, content)
    const outcome = await linkNew(temporary, path)
    await unlink(temporary)
    await syncFolder(folder)
    return outcome
  } catch (error) {
    await removeQuietly(temporary)
    throw error
  }
}

/** A folder that became empty may be removed by another process between making it and using it: then make it again. */
async function openTemporary(folder: string, finalName: string): Promise<[string, FileHandle]> {
  const temporary = join(folder, temporaryName(finalName.slice(0, LONGEST_LAST_SEGMENT)))
  for (let tries = 1; ; tries += 1) {
    try {
      await makeFolders(folder)
      return [temporary, await open(temporary, 'wx', 0o600)]
    } catch (error) {
      if (!isMissing(error) || tries === FOLDER_TRIES) throw error
    }
  }
}

/** Writes, syncs and closes. Network file systems report a full medium only at the sync or the close. */
async function fill(file: FileHandle, content: Bytes): Promise<void> {
  try {
    for await (const chunk of content) await writeAll(file, chunk)
    await file.chmod(BLOB_MODE)
    await file.sync()
  } catch (error) {
    await file.close().catch(() => undefined) // The first error is the one that says why.
    throw error
  }
  await file.close()
}

async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let offset = 0; offset < piece.length;) {
    const { bytesWritten } = await file.write(piece, offset)
    offset += bytesWritten
  }
}

/** Gives the temporary file its final name unless that is taken; `link` is the one call that does both at once. */
async function linkNew(temporary: string, path: string): Promise<Written> {
  try {
    await link(temporary, path)
    return 'created'
  } catch (error) {
    // Over NFS the answer to a link that happened can be lost, and its repetition then fails: the file itself tells.
    if (await isSameFile(temporary, path)) return 'created'
    if (hasCode(error, 'EEXIST')) return 'exists'
    throw linkFailure(error, 'link', dirname(path))
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  try {
    const [left, right] = await Promise.all([lstat(one, { bigint: true }), lstat(other, { bigint: true })])
    return left.ino === right.ino && left.dev === right.dev
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** For a write that failed already. What cannot be removed now is removed by `tidy`. */
async function removeQuietly(temporary: string): Promise<void> {
  await unlink(temporary).catch(() => undefined)
}
