import { open, type FileHandle } from 'node:fs/promises'
import { Failure, systemFailure } from '../core/failure.ts'
import { hasCode } from '../system/files/errno.ts'

/** Far more than a person writes. */
const LONGEST = 1024 * 1024
const OTHERS_MAY_READ = 0o004

/** The text of the file, and whether only its owner may read it. */
export async function readConfigFile(path: string): Promise<{ readonly text: string; readonly isPrivate: boolean }> {
  const file = await openFile(path)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Failure('usage', `${path} is not a file`)
    if (stat.size > LONGEST) throw new Failure('usage', `${path} is longer than ${LONGEST} bytes`)
    return { text: decode(path, await file.readFile()), isPrivate: (stat.mode & OTHERS_MAY_READ) === 0 }
  } finally {
    await file.close()
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT'))
      throw new Failure('notFound', `configuration ${path} does not exist`, {
        cause,
        hint: 'Run holdfast init to write one.',
      })
    throw systemFailure(
      `configuration ${path} cannot be read`,
      cause,
      'Check that the user who runs Holdfast may read it.',
    )
  }
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Failure('usage', `${path} is not UTF-8 text`, { cause })
  }
}
