import { execFile } from 'node:child_process'
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A Python with nothing but `cryptography`, as README.txt in a repository tells a newcomer to make; kept in the cache of the tests' parts. */
export async function recoveryPython(): Promise<string> {
  const folder = join(
    process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache', 'holdfast-parts'),
    'recovery-python',
  )
  const ready = join(folder, 'ready')
  if (
    !(await access(ready).then(
      () => true,
      () => false,
    ))
  )
    await makePython(folder, ready)
  return join(folder, 'bin', 'python')
}

async function makePython(folder: string, ready: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await execute('python3', ['-m', 'venv', folder])
  await execute(join(folder, 'bin', 'pip'), ['install', '--quiet', 'cryptography'])
  // Written last: a folder without it was left by an installation that died.
  await writeFile(ready, '')
}
