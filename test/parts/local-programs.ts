import { access, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after } from 'node:test'

const FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', ...(process.env['PATH'] ?? '').split(delimiter)]

/**
 * A folder that has these programs only, by the name that each shall have; removed after the last test. Fails where this machine
 * lacks one: scripts/machine.ts installs all.
 */
export async function folderOfPrograms(programs: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-programs-'))
  after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, program] of Object.entries(programs)) {
    await symlink(await findProgram(program), join(folder, name))
  }
  return folder
}

async function findProgram(name: string): Promise<string> {
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
  throw new Error(`this machine has no ${name}`)
}
