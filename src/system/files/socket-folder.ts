import { join } from 'node:path'
import { makeTemporaryFolder, removeTemporaryFolder, SHORT_FOLDER } from './temporary-folder.ts'

/** The path of a unix socket has at most 107 bytes. */
const LONGEST = 107
/** libpq splits hosts at commas. */
const PLAIN = /^[\w./-]*$/

/** A new private folder of this process in which a socket of this name fits, however deep TMPDIR is. Whoever makes it removes it. */
export async function makeSocketFolder(name: string): Promise<string> {
  const folder = await makeTemporaryFolder()
  if (PLAIN.test(folder) && Buffer.byteLength(join(folder, name)) <= LONGEST) return folder
  await removeTemporaryFolder(folder)
  return makeTemporaryFolder('of this process', SHORT_FOLDER)
}
