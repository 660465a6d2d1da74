import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, systemFailure } from '../../core/failure.ts'
import { replaceDurably } from '../../system/files/durable-file.ts'
import { isMissing } from '../../system/files/errno.ts'
import { makeFolders } from '../../system/files/sync-folder.ts'
import { MARK, type ExportedFile } from './job.ts'

/**
 * Writes the files into the folder and gives their paths. Fails with `refused`, and has written none, where a file of that name
 * was not written by an earlier export.
 */
export async function writeExported(folder: string, files: readonly ExportedFile[]): Promise<readonly string[]> {
  const paths = files.map(({ name }) => join(folder, name))
  for (const path of paths) await requireOurs(path)
  await makeFolders(folder, 0o755)
  for (const { name, text } of files)
    await replaceDurably(join(folder, name), text, { mode: 0o644 }).catch((cause: unknown) => {
      throw systemFailure(`${join(folder, name)} cannot be written`, cause)
    })
  return paths
}

async function requireOurs(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (isMissing(cause)) return undefined
    throw systemFailure(`${path} cannot be read`, cause)
  })
  if (text === undefined || text.startsWith(MARK)) return
  throw new Failure('refused', `${path} was not written by holdfast schedule export`, {
    hint: 'It is not overwritten. Move it away, or give another folder with --output.',
  })
}
