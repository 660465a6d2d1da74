import { open, rm, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { systemFailure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import { exists } from './errno.ts'
import { removeTemporaryFolder, makeTemporaryFolder } from './temporary-folder.ts'

/**
 * Writes `content` into a private file, and gives `act` a path under which programs of the same user can open it any
 * number of times. Where there is /proc the file has no name in any folder, so that the kernel removes it with the last
 * process that has it open, whoever is killed. Elsewhere it is removed afterwards.
 */
export async function withNamelessFile<Result>(
  content: Bytes,
  act: (path: string) => Promise<Result>,
): Promise<Result> {
  const { path, close } = await makeNamelessFile(content)
  try {
    return await act(path)
  } finally {
    await close()
  }
}

/** The same for who cannot wait inside a callback; the file is there until it is closed. */
export async function makeNamelessFile(
  content: Bytes,
): Promise<{ readonly path: string; readonly close: () => Promise<void> }> {
  const folder = await makeTemporaryFolder()
  const file = join(folder, 'content')
  try {
    const handle = await open(file, 'wx+', 0o600)
    const close = async (): Promise<void> => {
      await handle.close()
      await removeTemporaryFolder(folder)
    }
    try {
      const path = await takeNameAway(file, handle, folder)
      for await (const chunk of content) await writeAll(handle, chunk)
      return { path, close }
    } catch (error) {
      await handle.close()
      throw error
    }
  } catch (error) {
    await removeTemporaryFolder(folder)
    throw error
  }
}

async function takeNameAway(file: string, handle: FileHandle, folder: string): Promise<string> {
  const path = `/proc/${process.pid}/fd/${handle.fd}`
  if (!(await exists(path))) return file
  await unlink(file)
  await rm(folder, { recursive: true })
  return path
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  try {
    for (let from = 0; from < chunk.length;) from += (await handle.write(chunk, from)).bytesWritten
  } catch (cause) {
    const hint = 'Make room in the folder for temporary files, or set TMPDIR to another folder.'
    throw systemFailure('a temporary file cannot be written', cause, hint)
  }
}
