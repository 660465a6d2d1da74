import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, systemFailure } from '../core/failure.ts'

/** Writes a file that must not exist yet, readable by its owner only; its folder is made when it is missing. Fails with `refused` when it exists. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeSynced(path, text, 0o600)
}

/** Replaces the text of a file, keeping its mode and owner; a crash leaves the old or the new text. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(path)
  const temporary = `${path}.tmp-${randomBytes(4).toString('hex')}`
  await writeSynced(temporary, text, mode & 0o777, { uid, gid })
  await rename(temporary, path)
}

async function writeSynced(
  path: string,
  text: string,
  mode: number,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const file = await openNew(path, mode)
  try {
    if (owner !== undefined && process.getuid?.() === 0) await file.chown(owner.uid, owner.gid)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function openNew(path: string, mode: number): ReturnType<typeof open> {
  try {
    return await open(path, 'wx', mode)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') {
      throw new Failure('refused', `${path} exists already`, {
        cause,
        hint: 'It is not overwritten. Move it away or choose another name.',
      })
    }
    throw systemFailure(`${path} cannot be written`, cause)
  }
}
