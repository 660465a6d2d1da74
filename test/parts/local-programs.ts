import { access, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after } from 'node:test'

/** More folders with programs: for relays that this machine does not have. */
const EXTRA = process.env['HOLDFAST_TEST_PROGRAMS'] ?? ''
const FOLDERS = [
  ...EXTRA.split(delimiter),
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  ...(process.env['PATH'] ?? '').split(delimiter),
]

/**
 * A folder that has these programs only, by the name that each shall have; removed after the last test. Undefined when this
 * machine lacks one.
 */
export async function folderOfPrograms(programs: Readonly<Record<string, string>>): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-programs-'))
  after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, program] of Object.entries(programs)) {
    const path = await findProgram(program)
    if (path === undefined) return undefined
    await symlink(path, join(folder, name))
  }
  return folder
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of FOLDERS) {
    // A wrapper would look for its program in the PATH.
    if (folder === '' || folder.endsWith('/shims')) continue
    const path = join(folder, name)
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return realpath(path)
  }
  return undefined
}
