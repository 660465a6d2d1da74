import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, systemFailure } from '../../core/failure.ts'
import { publishDurably, replaceDurably } from './durable-file.ts'
import { hasCode } from './errno.ts'
import { makeFolders } from './sync-folder.ts'

/** Writes a file that must not exist yet, readable by its owner only; its folder is made when it is missing. Fails with `refused` when it exists. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  await makeFolders(dirname(path))
  await publishDurably(path, text, { mode: 0o600 }).catch((cause: unknown) => {
    throw hasCode(cause, 'EEXIST') ? existsAlready(path, cause) : systemFailure(`${path} cannot be written`, cause)
  })
}

/** Replaces the text of a file, keeping its mode and owner; a crash leaves the old or the new text. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(path)
  await replaceDurably(path, text, { mode: mode & 0o777, uid, gid }).catch((cause: unknown) => {
    throw systemFailure(`${path} cannot be written`, cause)
  })
}

function existsAlready(path: string, cause: unknown): Failure {
  return new Failure('refused', `${path} exists already`, {
    cause,
    hint: 'It is not overwritten. Move it away or choose another name.',
  })
}
